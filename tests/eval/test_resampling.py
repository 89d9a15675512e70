"""Clusters of rows: variances, intervals of shares, resamples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from eval.resampling import Figure, expanded_tail, multiplicities, numbered, percentiles, plain, resamples, share, t_quantile, totals, variance_of_mean


def test_clusters_are_numbered_in_order_of_first_appearance() -> None:
    assert numbered(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]


def test_the_variance_of_a_mean_is_that_of_its_clusters() -> None:
    """Residuals sum to -1 and 1 in two clusters of two: 2/1 * (1 + 1) / 16."""
    assert variance_of_mean(np.array([0.0, 0.0, 1.0, 1.0]), numbered("aabb")) == pytest.approx(0.25)
    assert variance_of_mean(np.array([0.0, 1.0]), numbered("aa")) is None


def test_independent_rows_have_wilsons_interval() -> None:
    """At 500 rows Student's quantile is the normal one but for the third digit."""
    found = share([True] * 400 + [False] * 100, list(range(500)))
    wilson = binomtest(400, 500).proportion_ci(0.95, "wilson")
    assert found is not None
    assert (found.value, found.low, found.high) == (0.8, pytest.approx(wilson.low, abs=5e-4), pytest.approx(wilson.high, abs=5e-4))


def test_rows_of_one_source_count_as_little_as_one_row() -> None:
    """Copies in clusters add nothing: 40 sources ten times over are 40 rows."""
    hits = [i % 4 > 0 for i in range(40)]
    copied = share([h for h in hits for _ in range(10)], [i for i in range(40) for _ in range(10)])
    alone = share(hits, list(range(40)))
    assert copied is not None
    assert alone is not None
    assert (copied.low, copied.high) == (pytest.approx(alone.low, abs=0.005), pytest.approx(alone.high, abs=0.005))


@pytest.mark.parametrize("hit", [True, False])
def test_a_share_without_exception_is_not_certain(hit: bool) -> None:
    found = share([hit] * 30, list(range(30)))
    assert found is not None
    assert found.value == float(hit)
    assert 0.8 < (found.low or 0) < 1 if hit else 0 < (found.high or 0) < 0.2


def test_no_rows_have_no_share_and_one_cluster_says_almost_nothing() -> None:
    assert share([], []) is None
    found = share([True, False, True], ["a", "a", "a"])
    assert found is not None
    assert (found.high or 0) - (found.low or 0) > 0.9


def test_a_resample_takes_whole_clusters_as_often_as_there_are() -> None:
    blocks = list(resamples(numbered("aabbb"), draws=300))
    weights = np.concatenate(blocks)
    assert weights.shape == (300, 5)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 2] == weights[:, 4]).all()
    assert (weights[:, 0] + weights[:, 2] == 2).all()


def test_an_interval_needs_nine_resamples_in_ten() -> None:
    draws = np.linspace(0, 1, 1001)
    assert percentiles(draws) == (pytest.approx(0.025), pytest.approx(0.975))
    draws[:200] = np.nan
    assert percentiles(draws) == (None, None)


def test_a_figure_is_written_with_six_digits() -> None:
    assert plain(Figure(1 / 3, None, 2 / 3)) == {"value": 0.333333, "low": None, "high": 0.666667}
    assert plain(None) is None


def test_sums_and_counts_are_those_of_the_clusters() -> None:
    sums, counts = totals(np.array([1.0, 2.0, 4.0]), numbered("aba"))
    assert (sums.tolist(), counts.tolist()) == ([5.0, 2.0], [2.0, 1.0])


def test_streams_of_one_seed_share_no_numbers() -> None:
    assert (multiplicities(30, 5, 7, 0, 0) != multiplicities(30, 5, 7, 0, 2)).any()
    assert (multiplicities(30, 5, 7, 0).sum(axis=1) == 30).all()


@pytest.mark.parametrize("p", [0.6, 0.8, 0.975])
def test_students_quantile_with_one_and_two_degrees_of_freedom_has_a_closed_form(p: float) -> None:
    """Cauchy: `tan(pi (p - 1/2))`. Two: `(2p - 1) / sqrt(2 p (1 - p))`."""
    assert t_quantile(p, 1) == pytest.approx(math.tan(math.pi * (p - 0.5)), rel=1e-10)
    assert t_quantile(p, 2) == pytest.approx((2 * p - 1) / math.sqrt(2 * p * (1 - p)), rel=1e-10)


def test_students_quantile_is_that_of_the_tables_and_ends_in_the_normal_one() -> None:
    """2.0930 at 19 degrees of freedom and 2.5706 at 5, to four digits."""
    assert (round(t_quantile(0.975, 19), 4), round(t_quantile(0.975, 5), 4)) == (2.0930, 2.5706)
    assert t_quantile(0.975, 1e8) == pytest.approx(1.959963984540054, abs=1e-6)


@pytest.mark.parametrize(("p", "df"), [(0, 3), (1, 3), (0.5, 0)])
def test_what_is_no_quantile_is_refused(p: float, df: float) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        t_quantile(p, df)


def test_the_tail_that_is_cut_off_shrinks_with_few_clusters() -> None:
    """Hesterberg (2015): at 20 values Phi(-sqrt(20/19) * 2.0930) = .01588; with many it is .025, and one value has no correction."""
    assert expanded_tail(0.95, 20) == pytest.approx(0.01588, abs=2e-5)
    assert expanded_tail(0.95, 10_000_000) == pytest.approx(0.025, abs=1e-6)
    assert expanded_tail(0.95, 1) == pytest.approx(0.025)
