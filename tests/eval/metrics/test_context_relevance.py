"""context_relevance: the mean of the judge's grades of the sources."""

import pytest

from eval.judges.base import Judge
from eval.metrics import parse
from eval.questions import Question
from eval.score import Result

METRIC = parse("context_relevance")
QUESTION = Question("q", "a b")


def test_worked_example(judge):
    """`a b` is graded 1, `a x` .5 and `y` 0: the mean is .5, whatever the answer was."""
    score = METRIC.score(QUESTION, Result("q", sources=("a b", "a x", "y"), abstained="unsure"), judge())
    assert score.value == pytest.approx((1 + 0.5 + 0) / 3)
    assert [(e["source"], e["relevance"]) for e in score.evidence] == [(1, 1.0), (2, 0.5), (3, 0.0)]


def test_no_source_is_zero_without_asking(judge):
    """Nothing helps to answer."""
    asked = judge()
    assert (METRIC.score(QUESTION, Result("q"), asked).value, asked.calls) == (0.0, [])


def test_a_missing_grade_withholds_it(judge):
    """One failure, one grade too few, a grade off the scale, or a judge that cannot."""

    class Off(judge):
        def relevance(self, question, contexts):
            return tuple(2.0 for _ in contexts)

    class Plain(judge):
        relevance = Judge.relevance

    found = Result("q", sources=("a", "b"))
    assert METRIC.score(QUESTION, Result("q", sources=("a", "?")), judge()).why == "judge_failed(malformed): answered in prose"
    assert METRIC.score(QUESTION, found, judge(dropped=1)).why == "judge_failed(count_mismatch): 1 grades for 2 contexts"
    assert METRIC.score(QUESTION, found, Off()).why == "judge_failed(out_of_range): a grade of 2.0"
    assert METRIC.score(QUESTION, found, Plain()).why == "not_applicable: the judge words does not grade contexts"
