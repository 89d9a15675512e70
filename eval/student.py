"""Student's t distribution without a library: its distribution function and its quantiles."""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

_TINY = 1e-300
_PRECISION = 1e-15
_NORMAL = 1e7  # from so many degrees of freedom on the two differ by less than 1e-7


def t_cdf(t: float, df: float) -> float:
    """Return `P(T <= t)` for `df > 0` degrees of freedom, which need not be whole."""
    tail = 0.5 * _beta(df / (df + t * t), t * t / (df + t * t), df / 2, 0.5)
    return 1 - tail if t > 0 else tail


@lru_cache(maxsize=4096)
def t_quantile(p: float, df: float) -> float:
    """Return the `t` with `P(T <= t) = p`, by bisection to about 1e-12. Raises `ValueError` for p outside (0, 1) or df not above 0."""
    if not 0 < p < 1 or df <= 0:
        raise ValueError(f"no quantile {p} with {df} degrees of freedom")
    if df >= _NORMAL:
        return NormalDist().inv_cdf(p)
    if p < 0.5:
        return -t_quantile(1 - p, df)
    low, high = 0.0, 1.0
    while t_cdf(high, df) < p:
        low, high = high, 2 * high
    while high - low > 1e-12 * max(1.0, high):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_cdf(middle, df) < p else (low, middle)
    return (low + high) / 2


def _beta(x: float, rest: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function of `x = 1 - rest` by its continued fraction (Lentz; Abramowitz and Stegun 26.5.8)."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * (log(x) if x < 0.5 else log1p(-rest)) + b * log(rest))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(rest, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, _inverse(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, int(100 + 10 * sqrt(max(a, b)))):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d, c = _inverse(1 + step * d), 1 + step / c
            c = c if abs(c) > _TINY else _TINY
            found *= d * c
        if abs(d * c - 1) < _PRECISION:
            break
    return found


def _inverse(value: float) -> float:
    return 1 / (value if abs(value) > _TINY else _TINY)
