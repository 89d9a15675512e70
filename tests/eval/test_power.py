"""Sample sizes: textbook values, the exact power of the t test, and simulated clusters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.power import MOST, Spread, design_effect, detectable, needed, spread
from eval.stats import paired

stats = pytest.importorskip("scipy.stats")


def exact_power(delta, sd, n):
    """The power of a two-sided paired t test at .05, from the noncentral t distribution."""
    bar, shift = stats.t.ppf(0.975, n - 1), delta / sd * np.sqrt(n)
    return float(stats.nct.sf(bar, n - 1, shift) + stats.nct.cdf(-bar, n - 1, shift))


@pytest.mark.parametrize(("effect", "n"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_independent_questions_need_what_cohen_says(effect, n):
    """Cohen (1988), one-sample t test, two-sided .05, power .8: 199, 34 and 15."""
    assert abs(needed(effect, 1.0) - n) <= 1


@given(st.floats(0.02, 1.0), st.floats(0.05, 0.6))
def test_the_power_at_the_needed_number_is_the_one_asked_for(delta, sd):
    n = needed(delta, sd)
    if n >= 10:  # below that the two quantiles stand for the noncentral distribution less well
        assert exact_power(delta, sd, n) >= 0.79
        assert exact_power(delta, sd, n - 2) <= 0.81


@given(st.floats(0.01, 0.5), st.floats(0.05, 0.6), st.floats(1, 6), st.floats(1, 4))
def test_needed_is_the_smallest_number_that_shows_the_difference(delta, sd, per_cluster, deff):
    n = needed(delta, sd, per_cluster, deff)
    assert detectable(sd, n, n / per_cluster, deff) <= delta
    fewer = detectable(sd, n - 1, (n - 1) / per_cluster, deff)
    assert fewer is None or fewer > delta


def test_a_worked_value():
    """(1.9842 + 0.8452) * 0.3 * sqrt(1.5 / 100) with 99 degrees of freedom."""
    assert detectable(0.3, 100, 100, 1.5) == pytest.approx((1.98422 + 0.84523) * 0.3 * 0.122474, abs=1e-5)


def test_fewer_clusters_show_less():
    """The same 100 questions, in 100, 10 and 3 clusters, without any correlation."""
    shown = [detectable(0.3, 100, k) for k in (100, 10, 3)]
    assert shown == sorted(shown)
    assert shown[2] == pytest.approx((4.30265 + 1.06066) * 0.03, abs=1e-5)


@pytest.mark.parametrize(
    ("sizes", "icc", "deff"),
    [([1, 1, 1], 0.5, 1.0), ([4, 4], 0.1, 1.3), ([1, 7], 0.1, 1 + (25 / 4 - 1) * 0.1), ([5], 0.0, 1.0), ([3, 3], 1.0, 3.0)],
)
def test_the_design_effect_of_unequal_clusters(sizes, icc, deff):
    """`1 + ((cv^2 + 1) m - 1) icc`; sizes 1 and 7 have m = 4 and cv^2 = 9/16, so (25/16) 4 = 25/4."""
    assert design_effect(sizes, icc) == pytest.approx(deff)


@pytest.mark.parametrize(("sizes", "icc"), [([], 0.1), ([2], -0.1), ([2], 1.1)])
def test_a_design_effect_of_nothing_is_refused(sizes, icc):
    with pytest.raises(ValueError, match="no design effect"):
        design_effect(sizes, icc)


def test_spread_of_equal_values_within_clusters():
    """1, 1, -1, -1 in two clusters: sd sqrt(4/3); the robust variance of the mean is 2 * (2^2 + 2^2) / 16 = 1, naive 1/3."""
    found = spread([1, 1, -1, -1], "aabb")
    assert (found.n, found.clusters, found.icc) == (4, 2, 1.0)
    assert found.sd == pytest.approx(np.sqrt(4 / 3))
    assert found.deff == pytest.approx(3.0)


def test_spread_of_independent_questions_has_no_correlation_to_tell():
    found = spread([1.0, 0.0, 0.0, 1.0], "abcd")
    assert found.icc is None
    assert found.deff == pytest.approx(1.0)


def test_spread_of_no_difference_and_of_one_cluster():
    assert spread([0.25] * 6, "aabbcc") == Spread(6, 3, 0.0, None, 1.0)
    assert spread([1, 0], "aa") is None


def test_spread_agrees_with_the_comparison_that_is_printed():
    """The smallest difference of `stats.paired` is that of the spread of the same differences."""
    rng = np.random.default_rng(7)
    names = rng.integers(0, 40, 120).tolist()
    values = (rng.normal(size=40)[names] + rng.normal(size=120)).tolist()
    found = spread(values, names)
    assert found.deff > 1
    expected = detectable(found.sd, found.n, found.clusters, found.deff)
    assert paired(values, [0.0] * 120, names, draws=10).mde == pytest.approx(expected, rel=1e-6)


def test_the_correlation_is_that_of_the_clusters():
    """2,000 clusters of 5 with a correlation of 0.25 within: sd of the estimate is about .02."""
    rng = np.random.default_rng(3)
    names = np.repeat(np.arange(2000), 5)
    values = 0.5 * rng.normal(size=2000)[names] + np.sqrt(0.75) * rng.normal(size=10_000)
    found = spread(values.tolist(), names.tolist())
    assert found.icc == pytest.approx(0.25, abs=0.05)
    assert found.deff == pytest.approx(design_effect([5] * 2000, 0.25), rel=0.1)


def test_simulated_clusters_are_told_apart_as_often_as_promised():
    """4,000 sets of 24 clusters of 4, correlation .2, true difference as `detectable` says: a cluster t test finds 80 % of them."""
    rng = np.random.default_rng(11)
    k, m, icc, sets = 24, 4, 0.2, 4000
    delta = detectable(1.0, k * m, k, design_effect([m] * k, icc))
    shared = np.sqrt(icc) * rng.normal(size=(sets, k, 1))
    means = (delta + shared + np.sqrt(1 - icc) * rng.normal(size=(sets, k, m))).mean(axis=2)
    t = means.mean(axis=1) / (means.std(axis=1, ddof=1) / np.sqrt(k))
    assert float(np.mean(np.abs(t) > stats.t.ppf(0.975, k - 1))) == pytest.approx(0.8, abs=0.025)


@pytest.mark.parametrize(("delta", "sd", "per_cluster"), [(0, 0.1, 1), (-1, 0.1, 1), (float("inf"), 0.1, 1), (0.1, -1, 1), (0.1, 0.1, 0.5)])
def test_an_impossible_question_is_refused(delta, sd, per_cluster):
    with pytest.raises(ValueError, match="no sample size"):
        needed(delta, sd, per_cluster)


def test_extremes():
    """No spread needs two clusters; a tiny difference is cut off at a number nobody asks."""
    assert needed(0.01, 0.0) == 2
    assert needed(0.01, 0.0, 2.5) == 5
    assert needed(1e-9, 1.0) == MOST
    assert detectable(0.3, 10, 1) is None
