"""A missing score has a known reason, and no score is a number that is none."""

import math

import pytest

from eval.score import JUDGE_FAILED, NOT_APPLICABLE, Score, because


def test_a_missing_value_needs_a_known_reason():
    """`why` starts with one of the reasons; a detail may follow a colon."""
    assert Score("q", "m", None, because(NOT_APPLICABLE, "no evidence: none")).reason == NOT_APPLICABLE
    assert Score("q", "m", None, JUDGE_FAILED).reason == "judge_failed"
    with pytest.raises(ValueError, match="no known reason"):
        Score("q", "m", None, "whatever")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_refused(value):
    """NaN is never a value."""
    with pytest.raises(ValueError, match="give None"):
        Score("q", "m", value)


def test_a_value_may_carry_a_mark():
    """A mark is not a reason."""
    score = Score("q", "m", 0.0, "list of 3 documents is shorter than 5")
    assert score.reason == ""
    assert score.why.startswith("list of 3")
