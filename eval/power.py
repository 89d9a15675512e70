"""Sample sizes for paired comparisons of clustered questions: how small a difference a set can show, and how many questions one needs.

The mean of the paired differences has the variance `sd^2 * deff / n`; the design effect `deff` is what it costs that questions about
one document are not independent. A difference is shown at level `alpha` (two-sided) with probability `power` when it is at least
`(t[1 - alpha/2] + t[power]) * sd * sqrt(deff / n)`, with one degree of freedom less than there are clusters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import ceil, isfinite, sqrt

import numpy as np

from eval.resampling import numbered, t_quantile, totals, variance_of_mean

ALPHA, POWER = 0.05, 0.8
MOST = 10**9  # questions; nobody asks for more


@dataclass(frozen=True, slots=True)
class Spread:
    """How paired differences scatter: `sd` of one question, the intra-cluster correlation `icc`, and the design effect `deff`.

    `icc` is None where every cluster has one question: nothing can be said about it then.
    """

    n: int
    clusters: int
    sd: float
    icc: float | None
    deff: float


def design_effect(sizes: Sequence[int], icc: float) -> float:
    """Return `1 + ((cv^2 + 1) m - 1) icc` for clusters of these sizes (Eldridge, Ashby and Kerry 2006), never below 1.

    `m` is their mean and `cv` their standard deviation over it. Raises `ValueError` for no clusters or an `icc` outside 0 to 1.
    """
    if not sizes or not 0 <= icc <= 1:
        raise ValueError(f"no design effect of {len(sizes)} clusters with a correlation of {icc}")
    mean = sum(sizes) / len(sizes)
    squares = sum(s * s for s in sizes) / len(sizes)  # (cv^2 + 1) m = mean of squares / mean
    return max(1.0, 1 + (squares / mean - 1) * icc)


def spread(differences: Sequence[float], clusters: Sequence[Hashable]) -> Spread | None:
    """Return how differences scatter within and between clusters, None for fewer than two clusters.

    `deff` is the cluster-robust variance of the mean over the one that takes questions for independent, held to at least 1; `icc` is
    the one-way analysis of variance estimate (Donner 1986), held to 0 to 1.
    """
    sizes = Counter(clusters)
    if len(sizes) < 2:
        return None
    values = np.asarray(differences, dtype=np.float64)
    n, k = len(values), len(sizes)
    residuals = values - values.mean()
    variance = float(residuals @ residuals) / (n - 1)
    member = numbered(clusters)
    sums, counts = totals(residuals, member)
    robust = variance_of_mean(values, member)
    if variance < 1e-18 or robust is None:
        return Spread(n, k, 0.0, None, 1.0)
    between = float(np.sum(sums**2 / counts)) / (k - 1)
    return Spread(n, k, sqrt(variance), _icc(float(residuals @ residuals), between, counts.tolist()), max(1.0, robust * n / variance))


def _icc(total: float, between: float, counts: Sequence[int]) -> float | None:
    """Return the correlation within clusters from the total sum of squares and the mean square between clusters."""
    n, k = sum(counts), len(counts)
    if n == k:
        return None
    within = max(0.0, total - between * (k - 1)) / (n - k)
    size = (n - sum(c * c for c in counts) / n) / (k - 1)
    scale = between + (size - 1) * within
    return min(1.0, max(0.0, (between - within) / scale)) if scale > 0 else 0.0


def detectable(sd: float, n: float, clusters: float, deff: float = 1.0, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """Return the smallest difference that `n` questions in so many clusters show, None for fewer than two clusters."""
    if clusters < 2:
        return None
    df = clusters - 1
    return (t_quantile(1 - alpha / 2, df) + t_quantile(power, df)) * sd * sqrt(deff / n)


def needed(delta: float, sd: float, per_cluster: float = 1.0, deff: float = 1.0, alpha: float = ALPHA, power: float = POWER) -> int:
    """Return how many questions show a difference of `delta`, `per_cluster` of them in each cluster on average.

    At least two clusters are needed, whatever the spread. Raises `ValueError` unless delta is above 0 and there is at least one
    question per cluster.
    """
    if not (delta > 0 and isfinite(delta)) or sd < 0 or per_cluster < 1:
        raise ValueError(f"no sample size for a difference of {delta} with a spread of {sd} and {per_cluster} questions per cluster")
    least = ceil(2 * per_cluster)

    def shows(n: int) -> bool:
        found = detectable(sd, n, n / per_cluster, deff, alpha, power)
        return found is not None and found <= delta

    if shows(least) or not shows(MOST):
        return least if shows(least) else MOST
    low, high = least, 2 * least
    while not shows(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high
