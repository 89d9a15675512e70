"""What moves a judge's verdicts that should not: the length of the answer, the order of the contexts, and mere repetition."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from eval.agreement import Statistic, auroc, bootstrapped
from eval.resampling import Figure, Floats, share


def words(text: str) -> int:
    """Return the length of an answer: how many words white space makes of it."""
    return len(text.split())


def length_bias(
    lengths: Sequence[int], verdicts: Sequence[bool], labels: Sequence[bool], strata: Sequence[Hashable], clusters: Sequence[Hashable]
) -> dict[str, Figure | None]:
    """Return how length goes with the verdict and with the label, and what is left of it between rows of one label.

    `auroc_verdict` and `auroc_label` are the probability that a supported row is longer than an unsupported one, by the judge and by people
    (.5: length says nothing); `difference` is the first minus the second. `long_minus_short` is the share of supported verdicts among the
    longer half minus that among the shorter half of the rows of equal label and stratum (`strata`: the file), averaged over these
    with Mantel and Haenszel's weights (1959): 0 for a judge that is right, or wrong, at any length alike.
    """
    size, v, y = np.asarray(lengths, dtype=np.float64), np.asarray(verdicts, dtype=bool), np.asarray(labels, dtype=bool)
    by_verdict, by_label = auroc(size, v), auroc(size, y)
    cells = [(bool(label), stratum) for label, stratum in zip(labels, strata, strict=True)]
    return {
        "auroc_verdict": bootstrapped(by_verdict, clusters),
        "auroc_label": bootstrapped(by_label, clusters),
        "difference": bootstrapped(lambda weights: by_verdict(weights) - by_label(weights), clusters),
        "long_minus_short": bootstrapped(_long_minus_short(size, v, cells), clusters),
    }


def _long_minus_short(lengths: Floats, verdicts: NDArray[np.bool_], cells: Sequence[Hashable]) -> Statistic:
    """Return the statistic; a cell's rows at its median length belong to neither half where that makes the halves unequal."""
    numbers = {name: i for i, name in enumerate(dict.fromkeys(cells))}
    place = np.array([numbers[name] for name in cells])
    long, short = (np.zeros((len(place), len(numbers))) for _ in range(2))
    for cell in range(len(numbers)):
        own = np.flatnonzero(place == cell)
        middle = np.median(lengths[own])
        long[own[lengths[own] > middle], cell] = 1
        short[own[lengths[own] < middle], cell] = 1
    said = verdicts[:, None].astype(np.float64)

    def value(weights: Floats) -> Floats:
        n1, n0 = weights @ long, weights @ short
        weigh = np.where((n1 > 0) & (n0 > 0), n1 * n0 / (n1 + n0), 0.0)
        rates = np.nan_to_num((weights @ (long * said)) / n1) - np.nan_to_num((weights @ (short * said)) / n0)
        return np.asarray((weigh * rates).sum(axis=1) / weigh.sum(axis=1), dtype=np.float64)

    return value


def changed(first: Sequence[bool], then: Sequence[bool], clusters: Sequence[Hashable]) -> Figure | None:
    """Return the share of rows whose verdict is another; None for no rows."""
    return share([a != b for a, b in zip(first, then, strict=True)], clusters)


def orders(contexts: Sequence[str], other: str | None) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return the contexts in their order and reversed; a single one gets `other`, a context of another row, beside it. None where nothing can be reversed."""
    shown = tuple(contexts) if len(contexts) > 1 or other is None else (*contexts, other)
    return (shown, shown[::-1]) if len(set(shown)) > 1 else None
