"""answer_correctness: .75 F1 of claims and .25 cosine."""

import pytest

from eval.metrics import parse
from eval.metrics.answer_correctness import f1
from eval.questions import Question
from eval.score import Result

METRIC = parse("answer_correctness")


@pytest.mark.parametrize(("counts", "value"), [((2, 2, 1), 2 / (2 + 1.5)), ((0, 3, 3), 0.0), ((3, 0, 0), 1.0), ((0, 0, 0), 0.0)])
def test_f1(counts, value):
    """TP / (TP + (FP + FN) / 2); nothing said is 0, where ragas gives 1."""
    assert f1(*counts) == value


def test_worked_example(question, result, judge):
    """Answer `a b y z`, reference `a b c`: TP 2, FP 2, FN 1, so F1 = 2/3.5; cosine .5."""
    assert METRIC.score(question, result, judge()).value == pytest.approx(0.75 * 2 / 3.5 + 0.25 * 0.5)


def test_a_perfect_answer_is_one(question, judge):
    """The reference itself, at cosine 1."""
    assert METRIC.score(question, Result("q", answer="a b c"), judge(cosine=1.0)).value == 1.0


def test_reasons(question, result, judge):
    """Abstained, no reference, failed judge in any of its three questions."""
    assert METRIC.score(question, Result("q", abstained="unsure"), judge()).why == "abstained"
    assert METRIC.score(Question("q", "?"), result, judge()).why == "not_applicable: there is no reference answer"
    assert METRIC.score(question, Result("q", answer="a ?"), judge()).why == "judge_failed(malformed): answered in prose"
    assert METRIC.score(Question("q", "?", answers=("a ?",)), result, judge()).why == "judge_failed(malformed): answered in prose"
