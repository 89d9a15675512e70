"""Student's t: held to scipy, and to the two cases with a closed form."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.student import t_cdf, t_quantile

scipy_t = pytest.importorskip("scipy.stats").t


@given(st.floats(0.5, 0.9999), st.floats(1, 5000))
def test_the_quantile_is_that_of_scipy(p, df):
    assert t_quantile(p, df) == pytest.approx(float(scipy_t.ppf(p, df)), rel=1e-9, abs=1e-9)


@given(st.floats(-50, 50), st.floats(0.5, 5000))
def test_the_distribution_is_that_of_scipy(t, df):
    assert t_cdf(t, df) == pytest.approx(float(scipy_t.cdf(t, df)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("p", [0.6, 0.8, 0.975])
def test_with_one_and_two_degrees_of_freedom_it_has_a_closed_form(p):
    """Cauchy: `tan(pi (p - 1/2))`. Two: `(2p - 1) / sqrt(2 p (1 - p))`."""
    assert t_quantile(p, 1) == pytest.approx(math.tan(math.pi * (p - 0.5)), rel=1e-10)
    assert t_quantile(p, 2) == pytest.approx((2 * p - 1) / math.sqrt(2 * p * (1 - p)), rel=1e-10)


def test_it_is_odd_and_ends_in_the_normal_distribution():
    assert t_quantile(0.025, 9) == -t_quantile(0.975, 9)
    assert t_quantile(0.975, 1e8) == pytest.approx(1.959963984540054)
    assert t_quantile(0.975, 9e6) == pytest.approx(1.95996421, abs=1e-7)


@pytest.mark.parametrize(("p", "df"), [(0, 3), (1, 3), (0.5, 0)])
def test_what_is_no_quantile_is_refused(p, df):
    with pytest.raises(ValueError, match="no quantile"):
        t_quantile(p, df)
