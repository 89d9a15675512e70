"""One score per question and metric, whatever came of the question and however many are judged at once."""

from __future__ import annotations

import threading

import pytest

from eval.certificate import Certificate
from eval.judges.base import Ahead, Claim, Judge, Judgement, Label, Missing, Why
from eval.judges.memoised import MemoisedJudge
from eval.metrics import parse_all
from eval.questions import Question
from eval.score import Result
from eval.scoring import score_results
from eval.summary import summarize
from eval.task import Task
from rag import Runtime
from rag.memo import Memo
from rag.types import Document


class Counting(Judge):
    """Supports every claim, fails where the question says so, and notes how many it judged at the same time."""

    def __init__(self, threads, together=1):
        self.threads, self.lock, self.now, self.most = threads, threading.Lock(), 0, 0
        self.meet = threading.Barrier(together)

    @property
    def identity(self):
        """Its name."""
        return {"use": "counting"}

    def claims(self, text, question=""):
        """Return the text as one claim."""
        return (Claim(text),)

    def support(self, claims, contexts, question):
        """Return that all is supported, once as many as are expected are here."""
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.meet.wait(timeout=30)
        with self.lock:
            self.now -= 1
        failing = {"slow": Why.TIMED_OUT, "poor": Why.OVER_BUDGET, "cut": Why.TRUNCATED}
        return tuple(Missing(failing[question]) if question in failing else Judgement(Label.SUPPORTED) for _ in claims)


def task(judge, texts, metrics=("faithfulness",)):
    asked = tuple(Question(f"q{i}", text, answers=("yes",), answerable=text != "nobody knows") for i, text in enumerate(texts))
    return Task((Document("d", "text"),), (), asked, parse_all(metrics), judge, Certificate("counting", "none"))


def scored(work, results):
    return score_results([q.id for q in work.questions], results, work, Runtime(Memo(), show_progress=False), "x")


def answer(i):
    return Result(f"q{i}", sources=("s",), answer=f"answer {i}")


def test_as_many_questions_are_judged_at_once_as_the_judge_takes_in_the_order_of_the_questions():
    judge = Counting(threads=3, together=3)
    work = task(judge, ["a", "b", "c", "d", "e", "f"])
    found = scored(work, [answer(i) for i in range(6)])
    assert judge.most == 3
    assert [s.question for s in found] == [q.id for q in work.questions]
    assert [s.value for s in found] == [1.0] * 6


def test_a_question_that_no_answer_came_of_has_its_reason_for_every_metric():
    work = task(Counting(1), ["a", "b"], ("faithfulness", "abstention_accuracy"))
    found = scored(work, [answer(0), "truncated: too short"])
    assert [(s.question, s.metric) for s in found] == [(q, m) for q in ("q0", "q1") for m in ("faithfulness", "abstention_accuracy")]
    assert [s.why for s in found[2:]] == ["answer_failed: truncated: too short"] * 2


def test_every_way_to_have_no_judgement_is_counted_by_its_name_and_none_is_a_number():
    work = task(Counting(1), ["fine", "slow", "poor", "cut", "fine"])
    found = scored(work, [*(answer(i) for i in range(4)), Result("q4", sources=("s",), abstained="not said")])
    figure = summarize(found, work.questions, work.metrics)["faithfulness"]
    assert figure["missing"] == {"abstained": 1, "judge_failed(truncated)": 1, "over_budget": 1, "timed_out": 1}
    assert (figure["mean"], figure["scored"], figure["n"], figure["coverage"], figure["covered"]) == (1.0, 1, 5, 1 / 5, False)
    assert (figure["worst"], figure["best"]) == (1 / 5, 1.0)
    assert [s.open for s in found] == [False, True, True, True, False]


@pytest.mark.parametrize(("lost", "covered"), [(1, True), (2, False)])
def test_a_mean_is_covered_down_to_95_percent_of_the_questions_it_applies_to(lost, covered):
    """19 of 20 are enough, 18 are not; questions that it does not apply to play no part."""
    work = task(Counting(1), ["fine"] * (20 - lost) + ["slow"] * lost + ["nobody knows"])
    found = scored(work, [*(answer(i) for i in range(20)), Result("q20", sources=("s",), abstained="not said")])
    figure = summarize(found, work.questions, work.metrics)["faithfulness"]
    assert figure["missing"]["not_applicable"] == 1
    assert (figure["coverage"], figure["covered"]) == ((20 - lost) / 20, covered)


class ReadingAhead(Counting):
    """Notes what it was given to read ahead."""

    def __init__(self):
        super().__init__(1)
        self.blocks = []

    def ahead(self, asked):
        """Keep the block."""
        self.blocks.append(list(asked))


def test_a_judge_reads_ahead_what_it_is_about_to_be_asked_in_blocks_and_not_what_was_declined():
    judge = ReadingAhead()
    work = task(judge, ["fine"] * 70)
    scored(work, [*(answer(i) for i in range(69)), Result("q69", sources=("s",), abstained="not said", answer="I do not know.")])
    assert [len(block) for block in judge.blocks] == [64, 6]
    assert judge.blocks[0][1] == Ahead("fine", ("answer 1", "yes"), ("s",))
    assert judge.blocks[1][-1] == Ahead("fine", ("yes",), ("s",))


def test_nothing_is_read_ahead_where_no_metric_asks_the_judge():
    judge = ReadingAhead()
    work = task(judge, ["fine"], ("abstention_accuracy",))
    scored(work, [answer(0)])
    assert judge.blocks == []


def test_what_is_remembered_is_not_read_again():
    judge, runtime = ReadingAhead(), Runtime(Memo(), show_progress=False)
    asked = [Ahead("fine", ("answer 0",), ("s",)), Ahead("fine", ("answer 1",), ("s",))]
    memoised = MemoisedJudge(judge, runtime)
    memoised.support(memoised.claims("answer 1", "fine"), ("s",), "fine")
    memoised.ahead(asked)
    assert judge.blocks == [asked[:1]]


def test_after_an_interrupt_no_verdict_that_was_given_is_asked_for_again(tmp_path):
    """They are written many at a time, so the last of them waited when it came."""

    class Stopped(ReadingAhead):
        def support(self, claims, contexts, question):
            if question == "stop":
                raise KeyboardInterrupt
            return super().support(claims, contexts, question)

    texts = [*(f"fine {i}" for i in range(10)), "stop"]
    work = task(MemoisedJudge(Stopped(), Runtime(Memo(tmp_path / "memo"), show_progress=False)), texts)
    with pytest.raises(KeyboardInterrupt):
        scored(work, [answer(i) for i in range(11)])
    later = Runtime(Memo(tmp_path / "memo"), show_progress=False)
    scored(task(MemoisedJudge(Stopped(), later), texts[:10]), [answer(i) for i in range(10)])
    assert later.work.judgements == 0
