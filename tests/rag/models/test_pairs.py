"""Scores of pairs: the stand-in by hand, and the memo that scores each pair once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rag.errors import ModelError
from rag.memo import Memo
from rag.models.pairs import OverlapScorer, Pair, Scored, score_pairs
from rag.runtime import Runtime


def test_overlap_is_the_share_of_the_query_words_that_the_passage_has() -> None:
    found = OverlapScorer().score([("Fox dog fox", "The DOG barks."), ("fox", "foxes"), ("", "fox"), ("fox", "")], 1)
    assert found == [Scored(0.5, 6), Scored(0.0, 2), Scored(0.0, 1), Scored(0.0, 1)]


def test_overlap_reads_no_more_words_than_it_may() -> None:
    assert OverlapScorer(3).score([("fox", "a b fox"), ("fox", "a fox b")], 1) == [Scored(0.0, 4), Scored(1.0, 4)]
    assert OverlapScorer(3).identity != OverlapScorer().identity == OverlapScorer(512).identity


def test_each_distinct_pair_is_scored_once_ever() -> None:
    memo = Memo()
    first, again = Runtime(memo, show_progress=False), Runtime(memo, show_progress=False)
    scorer = first.pair_scorer("overlap")
    scores = first.score_pairs(scorer, "fox dog", ["fox", "bird", "fox"], 8)
    assert [s.score for s in scores] == [0.5, 0.0, 0.5]
    assert (first.work.pairs, len(memo)) == (2, 2)
    assert again.score_pairs(scorer, "fox dog", ["bird", "fox", "dog fox"], 8) == [scores[1], scores[0], Scored(1.0, 4)]
    assert again.work.pairs == 1
    assert again.score_pairs(scorer, "fox", ["dog fox"], 8) == [Scored(1.0, 3)]  # another question of the same passage
    assert again.work.pairs == 2
    assert again.score_pairs(again.pair_scorer("overlap", max_tokens=2), "fox", ["dog fox"], 8) == [Scored(0.0, 3)]
    assert again.work.pairs == 3
    assert again.score_pairs(scorer, "fox", [], 8) == []


def test_scorers_are_opened_once_and_shared_with_the_runtime_that_remembers_nothing() -> None:
    runtime = Runtime(Memo(), "float32", show_progress=False)
    scorer = runtime.pair_scorer("overlap")
    assert runtime.pair_scorer("overlap", "float32") is scorer is runtime.unmemoised().pair_scorer("overlap")
    assert runtime.pair_scorer("overlap", max_tokens=9) is not scorer


def test_a_damaged_entry_is_scored_again() -> None:
    runtime = Runtime(Memo(), show_progress=False)
    scorer = runtime.pair_scorer("overlap")
    expected = runtime.score_pairs(scorer, "fox", ["fox"], 8)
    runtime.memo._db.execute("UPDATE memo SET value = x'00'")
    assert runtime.score_pairs(scorer, "fox", ["fox"], 8) == expected
    assert runtime.work.pairs == 2


class Broken:
    """A scorer whose second score is not a number."""

    name, max_tokens = "broken", 8

    def __init__(self, bad: float) -> None:
        self.identity = {"name": "broken"}
        self.bad = bad

    def score(self, pairs: Sequence[Pair], batch_tokens: int) -> list[Scored]:
        return [Scored(1.0, 2), Scored(self.bad, 2)]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_not_finite_is_told_and_nothing_is_kept(bad: float) -> None:
    memo = Memo()
    with pytest.raises(ModelError, match="'broken' returned scores that are not finite"):
        score_pairs(Broken(bad), "q", ["a", "b"], memo, 8)
    assert len(memo) == 0
