"""Rounds to figures: worked medians, ratios round by round, shared top tens."""

import pytest

from eval.bench.peers.figures import compared, figure, overlap, ratios, warmed


def test_a_figure_is_the_median_with_the_lowest_and_the_highest():
    assert figure([3.0, 1.0, 2.0]) == {"median": 2.0, "low": 1.0, "high": 3.0}
    assert figure([1.23456]) == {"median": 1.235, "low": 1.235, "high": 1.235}


def test_ratios_are_of_the_same_round():
    """A machine that is twice as slow in one round changes no ratio: 4/2, 8/4 and 30/10 have the median 2; that of the medians would be 8/4 too, but 30/2 nowhere."""
    assert ratios([4.0, 8.0, 30.0], [2.0, 4.0, 10.0]) == {"median": 2.0, "low": 2.0, "high": 3.0}


def test_one_that_stopped_early_is_held_against_the_first_rounds():
    assert ratios([9.0], [3.0, 1.0, 1.0])["median"] == 3.0


def test_rounds_are_compared_with_ours():
    found = compared({"ours": [1.0, 2.0], "other": [3.0, 4.0]}, "ours")
    assert found["ours"]["ratio"]["median"] == 1.0
    assert found["other"] == {"value": {"median": 3.5, "low": 3.0, "high": 4.0}, "ratio": {"median": 2.5, "low": 2.0, "high": 3.0}}


def test_overlap_is_the_mean_share_of_the_first_ten():
    ten = list(range(10))
    assert overlap([ten, ten], [ten, list(range(5, 15))]) == 0.75
    assert overlap([[1, 2, 3]], [[3, 2, 9]], top=2) == 0.5  # {1, 2} and {3, 2}
    assert overlap([[]], [ten]) == 0.0


def test_another_number_of_questions_is_no_overlap():
    with pytest.raises(ValueError, match="argument"):
        overlap([[1]], [[1], [2]])


def test_the_first_half_of_a_round_warms_up():
    assert warmed([9.0, 8.0, 3.0, 1.0]) == [1.0, 3.0]
    assert warmed([9.0, 3.0, 1.0]) == [1.0, 3.0]
    assert warmed([2.0]) == [2.0]
