"""Intervals and paired tests for scores that come in clusters: questions about one document are not independent.

A cluster is resampled, or has its sign flipped, as a whole (Cameron, Gelbach and Miller 2008; Miller 2024, "Adding Error
Bars to Evals"). Everything is seeded, and exactly antisymmetric: A against B is minus B against A.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EXACT = 12  # up to this many clusters every assignment of signs is tried
_BLOCK = 1_000_000  # numbers held at once while resampling (8 MB)
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

    `p` is two-sided; `mde` is the smallest difference found with 80 % power, None for fewer than two clusters.
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


def interval(values: Sequence[float], clusters: Sequence[Hashable], seed: int = 0, draws: int = 10_000, level: float = 0.95) -> Interval:
    """Return mean and percentile interval over `draws` resamples of whole clusters.

    The mean of a resample is its total over its count, so clusters of unlike size weigh as their questions do.
    Raises `ValueError` for no values, or lengths that differ.
    """
    sums, counts = _by_cluster(np.asarray(values, dtype=np.float64), clusters)
    low, high = _percentiles(_resampled_means(sums, counts, seed, draws), level)
    return Interval(float(sums.sum() / counts.sum()), low, high, len(sums))


def paired(a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable], seed: int = 0, draws: int = 10_000, level: float = 0.95) -> Paired:
    """Return the comparison of two systems' scores on the same questions, in the same order. Raises `ValueError` as `interval`."""
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} scores cannot be paired")
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    differences[np.abs(differences) < _SAME] = 0.0
    sums, counts = _by_cluster(differences, clusters)
    low, high = _percentiles(_resampled_means(sums, counts, seed, draws), level)
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    n = len(differences)
    p, mde = _sign_flip(sums, seed, draws), _detectable(sums, counts, level)
    return Paired(float(sums.sum() / n), low, high, p, wins, losses, n - wins - losses, n, len(sums), mde)


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted for being looked at together (Holm 1979), in the order given."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = highest
    return tuple(adjusted)


def _by_cluster(values: Floats, clusters: Sequence[Hashable]) -> tuple[Floats, Floats]:
    """Return sum and count of the values of each cluster, clusters in order of first appearance."""
    if not len(values) or len(values) != len(clusters):
        raise ValueError(f"{len(values)} values with {len(clusters)} clusters cannot be averaged")
    if not np.isfinite(values).all():
        raise ValueError("a value is not a finite number; leave missing scores out")
    numbers = {name: i for i, name in enumerate(dict.fromkeys(clusters))}
    member = np.array([numbers[name] for name in clusters])
    sums: Floats = np.bincount(member, weights=values).astype(np.float64)
    return sums, np.bincount(member).astype(np.float64)


def _blocks(width: int, draws: int) -> list[tuple[int, int]]:
    """Return (number, rows) of each block of draws, a function of the sizes only."""
    rows = max(1, _BLOCK // width)
    return [(i, min(rows, draws - start)) for i, start in enumerate(range(0, draws, rows))]


@lru_cache(maxsize=8)
def _multiplicities(clusters: int, rows: int, seed: int, block: int) -> Floats:
    """How often each cluster is in each resample, shape `(rows, clusters)`; kept, since every metric asks for the same."""
    picks = np.random.default_rng([seed, 0, block]).integers(0, clusters, size=(rows, clusters))
    flat = (picks + clusters * np.arange(rows)[:, None]).ravel()
    return np.bincount(flat, minlength=rows * clusters).reshape(rows, clusters).astype(np.float64)


@lru_cache(maxsize=8)
def _signs(clusters: int, rows: int, seed: int, block: int) -> Floats:
    """Random signs, shape `(rows, clusters)`."""
    bits = np.random.default_rng([seed, 1, block]).integers(0, 2, size=(rows, clusters))
    return np.asarray(2 * bits - 1, dtype=np.float64)


def _resampled_means(sums: Floats, counts: Floats, seed: int, draws: int) -> Floats:
    means = np.empty(draws, dtype=np.float64)
    at = 0
    for block, rows in _blocks(len(sums), draws):
        times = _multiplicities(len(sums), rows, seed, block)
        means[at : at + rows] = (times @ sums) / (times @ counts)
        at += rows
    return means


def _percentiles(means: Floats, level: float) -> tuple[float, float]:
    """Return the two ends, the upper by way of the negated means so that negated input gives exactly negated ends."""
    tail = (1 - level) / 2
    return float(np.quantile(means, tail)), -float(np.quantile(-means, tail))


def _sign_flip(sums: Floats, seed: int, draws: int) -> float:
    """Return the two-sided p of the permutation test: under no difference each cluster's sum is as likely negated.

    Exact for at most `EXACT` clusters, else (1 + as extreme) / (1 + draws), which is never 0 (Phipson and Smyth 2010).
    """
    size = len(sums)
    bar = abs(float(sums.sum())) * (1 - 1e-9)  # a permutation equal to what was seen counts, however it was rounded
    if size <= EXACT:
        bits = (np.arange(2**size)[:, None] >> np.arange(size)) & 1
        return float(np.mean(np.abs((2.0 * bits - 1.0) @ sums) >= bar))
    extreme = sum(int((np.abs(_signs(size, rows, seed, block) @ sums) >= bar).sum()) for block, rows in _blocks(size, draws))
    return (1 + extreme) / (1 + draws)


def _detectable(sums: Floats, counts: Floats, level: float) -> float | None:
    """Return `(z of the level + z of 80 %) * se`, with the cluster-robust standard error of a mean."""
    size, n = len(sums), float(counts.sum())
    if size < 2:
        return None
    residuals = sums - counts * (sums.sum() / n)
    error = float(np.sqrt(size / (size - 1) * np.sum(residuals**2))) / n
    return (NormalDist().inv_cdf((1 + level) / 2) + NormalDist().inv_cdf(0.8)) * error
