"""Shared arithmetic: every formula by hand."""

from __future__ import annotations

import math

import pytest

from rag.scores import DAY, age_days, fresh_mix, held_shares, min_max, shares_of_best


def test_held_shares_by_hand():
    """`cat` is in one of two texts, idf ln(1 + 1.5/1.5) = ln 2; `dog` in both, idf ln(1 + .5/2.5) = ln 1.2; `fish` in none, ln(1 + 2.5/.5) = ln 6."""
    total = math.log(2) + math.log(1.2) + math.log(6)
    assert held_shares("cat dog fish", ["a cat, a dog", "dogs"], "english") == pytest.approx([(math.log(2) + math.log(1.2)) / total, math.log(1.2) / total])
    assert held_shares("the of", ["a cat"], "english") == [0.0]
    assert held_shares("cat", ["cats and cats"], "english") == [1.0]


def test_min_max_by_hand_and_equal_scores_are_all_1():
    assert min_max([2.0, 5.0, 8.0]) == [0.0, 0.5, 1.0]
    assert min_max([3.0, 3.0]) == [1.0, 1.0]


def test_shares_of_the_best_by_hand_and_a_scale_without_a_zero_is_min_max():
    assert shares_of_best([4.0, 2.0, 0.0]) == [1.0, 0.5, 0.0]
    assert shares_of_best([3.0, 1.0, -1.0]) == [1.0, 0.5, 0.0]
    assert shares_of_best([-1.0, -3.0]) == [1.0, 0.0]
    assert shares_of_best([0.0, 0.0]) == [1.0, 1.0]


def test_an_age_is_in_days_never_negative_and_unknown_without_a_time():
    assert age_days(1000.0, 1000 + 1.5 * DAY) == pytest.approx(1.5)
    assert age_days(1000.0, 0.0) == 0.0
    assert age_days(None, 1000.0) is None


def test_relevance_and_freshness_are_mixed_as_stated():
    """Relevance 1, 1/2, 0; freshness 0.5^(14/7) = 1/4, 1, 0: at a weight of 1/4 that is 3/4 + 1/16, 3/8 + 1/4 and 0."""
    assert fresh_mix([8.0, 5.0, 2.0], [14.0, 0.0, None], 0.25, 7.0) == pytest.approx([0.8125, 0.625, 0.0])
    assert fresh_mix([], [], 0.25, 7.0) == []
