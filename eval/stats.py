"""Intervals and paired tests for scores that come in clusters: questions about one document are not independent.

A cluster is resampled, or has its sign flipped, as a whole (Cameron, Gelbach and Miller 2008; Miller 2024, "Adding Error
Bars to Evals"). Everything is seeded, and exactly antisymmetric: A against B is minus B against A. `docs/statistics.md` says why.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from eval.power import POWER, detectable
from eval.resampling import SIGNS, Floats, blocks, expanded_tail, multiplicities, numbered, totals, variance_of_mean

EXACT = 12  # up to this many clusters every assignment of signs is tried
_SAME = 1e-12  # scores nearer than this are a tie: formulas may round differently


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its confidence interval and the number of clusters it rests on."""

    mean: float
    low: float
    high: float
    clusters: int


@dataclass(frozen=True, slots=True)
class Paired:
    """The mean of `a - b` with its interval; wins are questions where a is higher.

    `p` is two-sided; `mde` is the smallest difference found with 80 % power, None for fewer than two clusters. `effect` is `delta` in
    standard deviations of the differences (Cohen's d of paired values), None where they do not differ among themselves.
    """

    delta: float
    low: float
    high: float
    p: float
    wins: int
    losses: int
    ties: int
    n: int
    clusters: int
    mde: float | None
    effect: float | None = None


def interval(values: Sequence[float], clusters: Sequence[Hashable], seed: int = 0, draws: int = 10_000, level: float = 0.95) -> Interval:
    """Return mean and expanded percentile interval over `draws` resamples of whole clusters.

    The mean of a resample is its total over its count, so clusters of unlike size weigh as their questions do.
    Raises `ValueError` for no values, or lengths that differ.
    """
    rows = np.asarray(values, dtype=np.float64)
    sums, counts = totals(rows, _members(rows, clusters))
    low, high = _ends(sums, counts, seed, draws, level)
    return Interval(float(sums.sum() / counts.sum()), low, high, len(sums))


def paired(a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable], seed: int = 0, draws: int = 10_000, level: float = 0.95) -> Paired:
    """Return the comparison of two systems' scores on the same questions, in the same order. Raises `ValueError` as `interval`."""
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} scores cannot be paired")
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    differences[np.abs(differences) < _SAME] = 0.0
    member = _members(differences, clusters)
    sums, counts = totals(differences, member)
    low, high = _ends(sums, counts, seed, draws, level)
    wins, losses, n = int((differences > 0).sum()), int((differences < 0).sum()), len(differences)
    variance, delta = variance_of_mean(differences, member), float(sums.sum() / n)
    mde = None if variance is None else detectable(sqrt(variance), 1, len(sums), alpha=1 - level, power=POWER)
    return Paired(delta, low, high, _sign_flip(sums, seed, draws), wins, losses, n - wins - losses, n, len(sums), mde, _effect(differences, delta))


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted for being looked at together (Holm 1979), in the order given."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = highest
    return tuple(adjusted)


def _members(values: Floats, clusters: Sequence[Hashable]) -> NDArray[np.intp]:
    """Return the number of each value's cluster. Raises `ValueError` for values that have no mean."""
    if not len(values) or len(values) != len(clusters):
        raise ValueError(f"{len(values)} values with {len(clusters)} clusters cannot be averaged")
    if not np.isfinite(values).all():
        raise ValueError("a value is not a finite number; leave missing scores out")
    return numbered(clusters)


def _effect(differences: Floats, delta: float) -> float | None:
    """Return the mean over the standard deviation, None for one value or values that are all alike."""
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    return delta / spread if spread > _SAME else None


@lru_cache(maxsize=8)
def _signs(clusters: int, rows: int, seed: int, block: int) -> Floats:
    """Random signs, shape `(rows, clusters)`."""
    bits = np.random.default_rng([seed, SIGNS, block]).integers(0, 2, size=(rows, clusters))
    return np.asarray(2 * bits - 1, dtype=np.float64)


def _ends(sums: Floats, counts: Floats, seed: int, draws: int, level: float) -> tuple[float, float]:
    """Return the two ends, the upper by way of the negated means so that negated sums give exactly negated ends."""
    size, at = len(sums), 0
    means = np.empty(draws, dtype=np.float64)
    for block, rows in blocks(size, draws):
        times = multiplicities(size, rows, seed, block)
        means[at : at + rows] = (times @ sums) / (times @ counts)
        at += rows
    tail = expanded_tail(level, size)
    return float(np.quantile(means, tail)) + 0.0, 0.0 - float(np.quantile(-means, tail))  # a zero without a sign


def _sign_flip(sums: Floats, seed: int, draws: int) -> float:
    """Return the two-sided p of the permutation test: under no difference each cluster's sum is as likely negated.

    Exact for at most `EXACT` clusters, else (1 + as extreme) / (1 + draws), which is never 0 (Phipson and Smyth 2010).
    """
    size = len(sums)
    bar = abs(float(sums.sum())) * (1 - 1e-9)  # a permutation equal to what was seen counts, however it was rounded
    if size <= EXACT:
        bits = (np.arange(2**size)[:, None] >> np.arange(size)) & 1
        return float(np.mean(np.abs((2.0 * bits - 1.0) @ sums) >= bar))
    extreme = sum(int((np.abs(_signs(size, rows, seed, block) @ sums) >= bar).sum()) for block, rows in blocks(size, draws))
    return (1 + extreme) / (1 + draws)
