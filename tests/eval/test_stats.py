"""Clustered intervals and tests: worked examples, laws, agreement with scipy, coverage and power by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as reference

from eval.stats import holm, interval, paired

scores = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0, 0.1]), st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.integers(0, 5)), min_size=1, max_size=30)


def test_worked_clusters():
    """A = (1, 1), B = (0): mean 2/3; resamples are AA = 1, AB = 2/3, BB = 0, so the interval is [0, 1]."""
    found = interval([1, 0, 1], ["A", "B", "A"])
    assert (found.mean, found.low, found.high, found.clusters) == (2 / 3, 0.0, 1.0, 2)


def test_worked_standard_error():
    """Residuals of A and B are 2/3 and -2/3: se = sqrt(2/1 * 8/9) / 3 = 4/9; mde = (12.706205 + 1.376382) * 4/9, Student's t with 1 degree."""
    found = paired([1, 0, 1], [0, 0, 0], ["A", "B", "A"])
    assert found.delta == 2 / 3
    assert found.mde == pytest.approx((12.706205 + 1.376382) * 4 / 9, abs=1e-6)
    assert (found.wins, found.losses, found.ties, found.n, found.clusters) == (2, 0, 1, 3, 2)


def test_worked_exact_permutation():
    """Sums 1, 2, 3: only +++ and --- reach 6, so p = 2/8. Sums 1, -2: all four sign patterns reach 1, so p = 1."""
    assert paired([1, 2, 3], [0, 0, 0], "abc").p == 2 / 8
    assert paired([1, 0], [0, 2], "ab").p == 1.0


def test_worked_effect():
    """Differences 1, 2, 3 have mean 2 and standard deviation 1; equal ones have no spread to measure by."""
    assert paired([1, 2, 3], [0, 0, 0], "abc").effect == 2.0
    assert paired([0.3, 0.4], [0.1, 0.2], "ab").effect is None


def test_clusters_flip_as_a_whole():
    """Six wins in two documents are two observations, not six: p = 2/4, where six single ones give 2/64."""
    assert paired([1] * 6, [0] * 6, "aaabbb").p == 2 / 4
    assert paired([1] * 6, [0] * 6, "abcdef").p == 2 / 64


def test_one_cluster_shows_nothing():
    """With a single document there is no error to estimate: p = 1 and no detectable difference."""
    found = paired([1, 1], [0, 0], "aa")
    assert (found.p, found.mde, found.clusters) == (1.0, None, 1)


@settings(max_examples=50, deadline=None)
@given(scores)
def test_a_against_b_is_minus_b_against_a(rows):
    """Exactly, not nearly: delta and interval change sign, p and mde stay, wins and losses swap."""
    a, b, clusters = zip(*rows, strict=True)
    x, y = paired(a, b, clusters, draws=500), paired(b, a, clusters, draws=500)
    assert (x.delta, x.low, x.high, x.p, x.mde, x.wins, x.losses, x.ties) == (-y.delta, -y.high, -y.low, y.p, y.mde, y.losses, y.wins, y.ties)
    assert x.effect == (None if y.effect is None else -y.effect)
    assert x.low <= x.high
    assert 0 < x.p <= 1


@settings(max_examples=20, deadline=None)
@given(scores)
def test_a_run_against_itself_shows_no_difference(rows):
    """Delta 0, interval [0, 0], p 1."""
    a, _, clusters = zip(*rows, strict=True)
    found = paired(a, a, clusters, draws=200)
    assert (found.delta, found.low, found.high, found.p, found.wins, found.losses) == (0.0, 0.0, 0.0, 1.0, 0, 0)
    assert (found.effect, found.mde) == (None, 0.0 if found.clusters > 1 else None)


def test_the_same_seed_gives_the_same_figures_and_another_seed_others():
    """Results are a function of the input and the seed."""
    rng = np.random.default_rng(3)
    a, b, clusters = rng.random(60), rng.random(60), list(range(60))
    assert paired(a, b, clusters, seed=1) == paired(a, b, clusters, seed=1)
    assert paired(a, b, clusters, seed=1).low != paired(a, b, clusters, seed=2).low


def test_rounding_is_no_win():
    """0.1 + 0.2 and 0.3 are a tie."""
    assert paired([0.1 + 0.2], [0.3], ["a"]).ties == 1


def test_unclustered_interval_agrees_with_scipy():
    """Every value its own cluster: the percentile bootstrap of scipy at the expanded level, within Monte Carlo error (about .002)."""
    values = np.random.default_rng(0).random(50)
    level = 1 - 2 * reference.norm.cdf(-np.sqrt(50 / 49) * reference.t.ppf(0.975, 49))
    expected = reference.bootstrap((values,), np.mean, method="percentile", confidence_level=level, n_resamples=10_000, rng=1).confidence_interval
    found = interval(values, range(50))
    assert (found.low, found.high) == (pytest.approx(expected.low, abs=0.006), pytest.approx(expected.high, abs=0.006))


@pytest.mark.parametrize(("n", "tolerance"), [(9, 1e-12), (40, 0.015)])
def test_unclustered_p_agrees_with_scipy(n, tolerance):
    """scipy's sign-flip permutation test: exact for few pairs, within Monte Carlo error for many."""
    rng = np.random.default_rng(n)
    a, b = rng.random(n) + 0.1, rng.random(n)

    def mean_difference(x, y):
        return np.mean(x - y)

    expected = reference.permutation_test((a, b), mean_difference, permutation_type="samples", n_resamples=20_000, rng=5).pvalue
    assert paired(a, b, range(n)).p == pytest.approx(expected, abs=tolerance)


def simulated(rng, clusters=40, size=4, effect=0.0):
    """Paired differences with a strong common part per cluster."""
    common = np.repeat(rng.normal(0, 1, clusters), size)
    return effect + common + rng.normal(0, 0.5, clusters * size), np.repeat(np.arange(clusters), size)


def test_clustered_intervals_cover_and_unclustered_ones_do_not():
    """Nominal 95 %: over 300 sets the clustered interval holds the true mean in 90 to 98 %, the naive one in under 80 %."""
    rng = np.random.default_rng(7)
    clustered = naive = 0
    for _ in range(300):
        values, clusters = simulated(rng)
        found = interval(values, clusters, draws=1000)
        alone = interval(values, range(len(values)), draws=1000)
        clustered += found.low <= 0 <= found.high
        naive += alone.low <= 0 <= alone.high
    assert 0.90 <= clustered / 300 <= 0.98
    assert naive / 300 < 0.80


def test_the_permutation_test_holds_its_level_and_the_detectable_difference_its_power():
    """At no difference p < .05 in about 5 % of 300 sets; at the stated mde in about 80 %."""
    rng = np.random.default_rng(11)
    level = power = 0
    for _ in range(300):
        values, clusters = simulated(rng)
        null = paired(values, np.zeros(len(values)), clusters, draws=1000)
        level += null.p < 0.05
        moved = paired(values + null.mde, np.zeros(len(values)), clusters, draws=1000)
        power += moved.p < 0.05
    assert 0.02 <= level / 300 <= 0.08
    assert 0.72 <= power / 300 <= 0.88


def test_holm_worked_example():
    """.01 * 4, .02 * 3, .03 * 2 raised to .06, .5 * 1, in the order given."""
    assert holm([0.5, 0.01, 0.03, 0.02]) == pytest.approx((0.5, 0.04, 0.06, 0.06))
    assert holm([]) == ()
    assert holm([0.6, 0.7]) == (1.0, 1.0)


@given(st.lists(st.floats(0, 1), max_size=10))
def test_holm_never_lowers_and_keeps_the_order(ps):
    """Adjusted values are at least the given ones, at most 1, and sorted alike."""
    adjusted = holm(ps)
    assert all(p <= q <= 1 for p, q in zip(ps, adjusted, strict=True))
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    assert [adjusted[i] for i in order] == sorted(adjusted)


@pytest.mark.parametrize(("values", "clusters"), [([], []), ([1.0], []), ([float("nan")], ["a"])])
def test_what_cannot_be_averaged_is_refused(values, clusters):
    """No values, lengths that differ, NaN."""
    with pytest.raises(ValueError, match=r"cannot be averaged|not a finite number"):
        interval(values, clusters)
    with pytest.raises(ValueError, match="cannot be paired"):
        paired([1.0], [], ["a"])
