"""What a judge's known error does to the difference of two means of its verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from eval.error_rates import ErrorRates
from eval.resampling import Z


@dataclass(frozen=True)
class Widened:
    """A difference and its interval, `scale` times as large as the judge saw it, with what is to be said of that."""

    delta: float
    low: float
    high: float
    scale: float = 1.0
    note: str = ""


def widened(delta: float, low: float, high: float, certificate: Mapping[str, Any] | None) -> Widened:
    """Return the difference of true rates: the observed one over `se + sp - 1`, which errors that are alike on both sides shrink it by.

    The variance of `se + sp - 1` is added (delta method). Without a certificate nothing changes; a judge that may be no better than chance
    (its `se + sp - 1` is within 1.96 standard errors of 0) gives an interval from -1 to 1.
    """
    if certificate is None:
        return Widened(delta, low, high)
    try:
        known = ErrorRates.of(certificate)
    except (KeyError, TypeError):
        return Widened(delta, low, high, note="; the judge's certificate holds no error rates")
    youden = known.sensitivity + known.specificity - 1
    variance = known.var_sensitivity + known.var_specificity + 2 * known.covariance
    if youden <= Z * sqrt(max(0.0, variance)):
        return Widened(delta, -1.0, 1.0, note="; the judge may be no better than chance")
    value = delta / youden
    extra = value * value * variance / youden**2

    def end(side: float) -> float:
        half = abs(side - delta) / youden
        return sqrt(half * half + Z * Z * extra)

    return Widened(value, value - end(low), value + end(high), 1 / youden, f"; corrected for the judge's error (divided by {youden:.2f})")
