"""Rows that come in clusters: the one home of cluster numbers, sums, resamples, robust variances, Student's quantile and intervals of shares."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Z = NormalDist().inv_cdf(0.975)
DRAWS = 2000
MEANS, SIGNS, ROWS = 0, 1, 2  # streams of random numbers, so that no two uses of a seed share any
_BLOCK = 1_000_000  # numbers held at once while resampling (8 MB)


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its 95 % interval; `low` and `high` are None where no interval can be had."""

    value: float
    low: float | None
    high: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Return the figure in the form of the contract, rounded to six digits after the point."""
        return {k: None if v is None else round(v, 6) for k, v in (("value", self.value), ("low", self.low), ("high", self.high))}


def plain(figure: Figure | None) -> dict[str, float | None] | None:
    """Return a figure in the form of the contract, None for one that was not to be had."""
    return None if figure is None else figure.as_dict()


def numbered(clusters: Sequence[Hashable]) -> NDArray[np.intp]:
    """Return the number of each row's cluster, counted in order of first appearance."""
    numbers = {name: i for i, name in enumerate(dict.fromkeys(clusters))}
    return np.array([numbers[name] for name in clusters], dtype=np.intp)


def totals(values: Floats, member: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return sum and count of the values of each cluster."""
    return np.bincount(member, weights=values).astype(np.float64), np.bincount(member).astype(np.float64)


def blocks(width: int, draws: int) -> list[tuple[int, int]]:
    """Return (number, rows) of each block of draws that is held at once, a function of the sizes only."""
    rows = max(1, _BLOCK // width)
    return [(i, min(rows, draws - start)) for i, start in enumerate(range(0, draws, rows))]


@lru_cache(maxsize=8)
def multiplicities(clusters: int, rows: int, seed: int, block: int, stream: int = MEANS) -> Floats:
    """Return how often each cluster is in each resample, shape `(rows, clusters)`; kept, since every metric asks for the same."""
    picks = np.random.default_rng([seed, stream, block]).integers(0, clusters, size=(rows, clusters))
    flat = (picks + clusters * np.arange(rows)[:, None]).ravel()
    return np.bincount(flat, minlength=rows * clusters).reshape(rows, clusters).astype(np.float64)


def resamples(member: NDArray[np.intp], draws: int = DRAWS, seed: int = 0) -> Iterator[Floats]:
    """Yield blocks of shape `(some draws, rows)`: how often each row is in each resample of whole clusters."""
    size = int(member.max()) + 1
    for block, rows in blocks(max(size, len(member)), draws):
        yield multiplicities(size, rows, seed, block, ROWS)[:, member]


@lru_cache(maxsize=4096)
def t_quantile(p: float, df: float) -> float:
    """Return the `t` with `P(T <= t) = p` for Student's T. Raises `ValueError` for p outside (0, 1) or df not above 0."""
    from scipy.special import stdtrit

    if not 0 < p < 1 or df <= 0:
        raise ValueError(f"no quantile {p} with {df} degrees of freedom")
    return float(stdtrit(df, p))


def expanded_tail(level: float, clusters: int) -> float:
    """Return the share to cut off each side of bootstrap means of so many clusters, less than half of one minus the level.

    `Phi(-sqrt(G / (G - 1)) * t[(1 + level) / 2, G - 1])`: a plain percentile interval is too narrow by the factor that the variance of G
    values lacks without Bessel's correction, and by Student's quantile over the normal one (Hesterberg 2015, "What Teachers Should Know
    About the Bootstrap", expanded percentile interval). One cluster has no such factor and keeps the plain share.
    """
    if clusters < 2:
        return (1 - level) / 2
    return NormalDist().cdf(-sqrt(clusters / (clusters - 1)) * t_quantile((1 + level) / 2, clusters - 1))


def percentiles(draws: Floats) -> tuple[float | None, float | None]:
    """Return the ends of the 95 % percentile interval; None when fewer than nine in ten resamples have a value (NaN marks the others)."""
    found = draws[np.isfinite(draws)]
    if len(found) < 0.9 * len(draws):
        return None, None
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


def variance_of_mean(values: Floats, member: NDArray[np.intp]) -> float | None:
    """Return the cluster-robust variance of a mean, `G/(G-1) * sum over clusters of (sum of residuals)^2 / n^2`; None for one cluster."""
    sums, _ = totals(values - values.mean(), member)
    size = len(sums)
    return float(size / (size - 1) * np.sum(sums**2)) / len(values) ** 2 if size > 1 else None


def share(hits: Sequence[bool], clusters: Sequence[Hashable]) -> Figure | None:
    """Return the share of hits with Wilson's interval (1927) at the effective number of rows; None for no rows.

    The effective number is n over the design effect, the ratio of the cluster-robust variance to the binomial one, held to at least 1
    (Dean and Pagano 2015). A bootstrap would give a share of 0 or 1 an interval of no width; this does not.
    Few clusters widen it by Student's quantile; one cluster counts as one row.
    """
    if not len(hits):
        return None
    values, member = np.asarray(hits, dtype=np.float64), numbered(clusters)
    p, n = float(values.mean()), len(values)
    robust, plain = variance_of_mean(values, member), p * (1 - p) / n
    effective = 1.0 if robust is None else n / max(1.0, robust / plain) if plain > 0 else float(member.max() + 1)
    z = t_quantile(0.975, max(1, int(member.max())))
    centre = (p + z * z / (2 * effective)) / (1 + z * z / effective)
    half = z / (1 + z * z / effective) * sqrt(p * (1 - p) / effective + z * z / (4 * effective**2))
    return Figure(p, max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half)))
