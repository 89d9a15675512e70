"""context_utilization: average precision over the sources, by what the answer says."""

import pytest

from eval.metrics import parse
from eval.questions import Question
from eval.score import Result

METRIC = parse("context_utilization")


def test_a_source_is_used_when_it_supports_a_claim_of_the_answer(judge):
    """Of `x`, `a`, `y z`, `b` the second and the fourth hold words of the answer `a b`: (1/2 + 2/4) / 2. No reference is needed."""
    score = METRIC.score(Question("q", "what"), Result("q", sources=("x", "a", "y z", "b"), answer="a b"), judge())
    assert score.value == (1 / 2 + 2 / 4) / 2
    assert [e["relevant"] for e in score.evidence] == [False, True, False, True]


def test_it_differs_from_precision_where_the_answer_differs_from_the_reference(question, judge):
    """The reference is `a b c`, the answer `z`: the source that the answer used is the one that was of no use."""
    found = Result("q", sources=("a", "z"), answer="z")
    assert METRIC.score(question, found, judge()).value == 1 / 2
    assert parse("context_precision").score(question, found, judge()).value == 1.0


def test_no_source_is_zero_without_asking(question, judge):
    """As for `context_precision`."""
    asked = judge()
    assert METRIC.score(question, Result("q", answer="a"), asked).value == 0.0
    assert asked.calls == []


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (Result("q", sources=("a",), abstained="unsure"), "abstained"),
        (Result("q", abstained="nothing was retrieved"), "abstained"),
        (Result("q", sources=("a",), answer=" "), "abstained: the answer is empty"),
        (Result("q", sources=("a",), answer="a ?"), "judge_failed(malformed): answered in prose"),
    ],
)
def test_reasons(question, judge, result, why):
    """An answer that is not there uses nothing, and that is no 0."""
    assert METRIC.score(question, result, judge()).why == why
