"""context_precision: average precision over the sources shown."""

import pytest

from eval.metrics import parse
from eval.metrics.context_precision import average_precision
from eval.questions import Question
from eval.score import Result

METRIC = parse("context_precision")


@pytest.mark.parametrize(
    ("relevant", "expected"),
    [
        ([], 0),
        ([False, False], 0),
        ([True, False], 1),
        ([False, True], 1 / 2),
        ([True, False, True], (1 / 1 + 2 / 3) / 2),
        ([False, True, True, False], (1 / 2 + 2 / 3) / 2),
    ],
)
def test_average_precision_is_ragas_without_its_epsilon(relevant, expected):
    """Sum of the precision at relevant places over the relevant places found."""
    assert average_precision(relevant) == expected


def test_a_source_is_relevant_when_it_supports_a_reference_claim(question, judge):
    """Of `x`, `a`, `y`, `b c` the second and the fourth do: (1/2 + 2/4) / 2."""
    score = METRIC.score(question, Result("q", sources=("x", "a", "y", "b c")), judge())
    assert score.value == (1 / 2 + 2 / 4) / 2
    assert [e["relevant"] for e in score.evidence] == [False, True, False, True]


def test_no_source_is_zero_and_no_reference_not_applicable(question, judge):
    """As `average_precision([])`."""
    assert METRIC.score(question, Result("q"), judge()).value == 0.0
    assert METRIC.score(Question("q", "?"), Result("q", sources=("a",)), judge()).why == "not_applicable: there is no reference answer"
