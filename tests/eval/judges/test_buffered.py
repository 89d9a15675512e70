"""Verdicts are written many at a time, and none that was made is lost when a block ends, however it ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from eval.judges._buffered import MOST, SECONDS, Buffer
from eval.judges.base import Claim, Judge, Judgement, Label
from eval.judges.embedded import Embedded
from eval.judges.ensemble import Ensemble, EnsembleJudge
from eval.judges.memoised import MemoisedJudge
from rag.errors import StoreError
from rag.memo import Memo
from rag.runtime import Runtime


class Noting(Memo):
    """A memo that notes how many values each transaction had, and fails when told to."""

    def __init__(self, path=None):
        super().__init__(path)
        self.wrote, self.full = [], False

    def put_many(self, values):
        """Store and note."""
        if self.full:
            raise StoreError("the memo cannot be written (disk full)")
        super().put_many(values)
        self.wrote.append(len(values))


class Yes(Judge):
    """Supports every claim and counts how often it is asked."""

    def __init__(self, threads=1):
        self.threads, self.asked_for = threads, 0

    @property
    def identity(self):
        """Its name."""
        return {"use": "yes", "threads": self.threads}

    def claims(self, text, question=""):
        """Return the text as one claim."""
        return (Claim(text),)

    def support(self, claims, contexts, question):
        """Return that all is supported."""
        self.asked_for += 1
        return tuple(Judgement(Label.SUPPORTED) for _ in claims)


def buffer(clock=lambda: 0.0):
    memo = Noting()
    return Buffer(Runtime(memo, show_progress=False), clock), memo


def test_outside_of_a_block_each_is_written_at_once():
    waiting, memo = buffer()
    for i in range(3):
        waiting.put(f"k{i}", b"v")
    assert memo.wrote == [1, 1, 1]


def test_in_a_block_many_are_written_together_and_can_be_read_while_they_wait():
    waiting, memo = buffer()
    with waiting.held():
        for i in range(MOST + 2):
            waiting.put(f"k{i}", str(i).encode())
        assert memo.wrote == [MOST]
        assert waiting.get_many(["k0", f"k{MOST + 1}", "absent"]) == {"k0": b"0", f"k{MOST + 1}": str(MOST + 1).encode()}
    assert memo.wrote == [MOST, 2]
    assert len(memo) == MOST + 2


def test_what_waited_long_is_written_with_the_next_one():
    now = [0.0]
    waiting, memo = buffer(lambda: now[0])
    with waiting.held():
        waiting.put("a", b"v")
        now[0] = SECONDS / 2
        waiting.put("b", b"v")
        assert memo.wrote == []
        now[0] = SECONDS
        waiting.put("c", b"v")
        assert memo.wrote == [3]
        waiting.put("d", b"v")
        assert memo.wrote == [3], "the clock starts with the first that waits"


def test_blocks_within_blocks_write_at_the_end_of_the_outermost():
    waiting, memo = buffer()
    with waiting.held():
        with waiting.held():
            waiting.put("a", b"v")
        assert memo.wrote == []
    assert memo.wrote == [1]
    waiting.put("b", b"v")
    assert memo.wrote == [1, 1]


@pytest.mark.parametrize("ended", [KeyboardInterrupt, ValueError])
def test_an_interrupt_or_an_error_loses_nothing(ended):
    waiting, memo = buffer()
    with pytest.raises(ended), waiting.held():  # noqa: PT012  # the block is what is tested
        waiting.put("a", b"v")
        raise ended
    assert memo.get_many(["a"]) == {"a": b"v"}


def test_what_ended_the_block_is_said_and_not_that_the_memo_is_full():
    waiting, memo = buffer()
    with pytest.raises(KeyboardInterrupt), waiting.held():  # noqa: PT012  # the block is what is tested
        waiting.put("a", b"v")
        memo.full = True
        raise KeyboardInterrupt
    memo.full = False
    waiting.put("b", b"v")
    assert memo.wrote == [2], "it still waits, and goes with the next"


def test_a_memo_that_cannot_be_written_is_an_error_at_the_end_of_the_block():
    waiting, memo = buffer()
    memo.full = True
    with pytest.raises(StoreError, match="disk full"), waiting.held():
        waiting.put("a", b"v")


def test_several_threads_lose_nothing():
    waiting, memo = buffer()
    with waiting.held(), ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: waiting.put(f"k{i}", b"v"), range(1000)))
    assert (len(memo), sum(memo.wrote)) == (1000, 1000)


def judged(judge, n, contexts=("c",)):
    for i in range(n):
        judge.support([Claim(f"claim {i}")], contexts, "q")


def test_a_judge_writes_a_block_of_verdicts_in_few_transactions_and_asks_for_none_twice(tmp_path):
    """A later process, and the same one while they wait, finds every one of them."""
    memo, inner = Noting(tmp_path / "memo"), Yes()
    judge = MemoisedJudge(inner, Runtime(memo, show_progress=False))
    with judge.together():
        judged(judge, 40)
        other = MemoisedJudge(inner, Runtime(memo, show_progress=False))
        judged(judge, 40)
    assert sum(memo.wrote) == 40
    assert len(memo.wrote) <= 3
    judged(other, 40)
    assert inner.asked_for == 40


def test_verdicts_of_a_judge_that_takes_several_questions_at_once_are_kept_as_they_come():
    """It waits for others, so writing costs nothing, and what it gave is dear."""
    memo = Noting()
    judge = MemoisedJudge(Yes(threads=4), Runtime(memo, show_progress=False))
    with judge.together():
        judged(judge, 3)
        assert memo.wrote == [1, 1, 1]


def test_the_members_of_an_ensemble_write_together_too():
    memo = Noting()
    runtime = Runtime(memo, show_progress=False)
    members = [MemoisedJudge(Yes(), runtime), MemoisedJudge(Yes(), runtime)]
    judge = MemoisedJudge(EnsembleJudge(Ensemble((Embedded(), Embedded())), members), runtime)
    with judge.together():
        judged(judge, 20)
    assert sum(memo.wrote) == 60, "twenty of its own and of each of the two"
    assert len(memo.wrote) <= 6
