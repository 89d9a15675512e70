"""Pairs of short texts that are alike: by the words they share, exactly and without comparing all pairs, and by meaning."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1024  # rows whose cosines are held at once


def jaccard(a: Collection[str], b: Collection[str]) -> float:
    """Return the shared over all members of two sets; 0 for two empty ones."""
    left, right = set(a), set(b)
    return len(left & right) / len(left | right) if left or right else 0.0


def sharing(sets: Sequence[frozenset[str]], least: float) -> Iterator[tuple[int, int, float]]:
    """Yield `(i, j, jaccard)` with `i < j` of every pair of at least so much, by j and then i; empty sets pair with nothing.

    Two sets that are so much alike share one of their rarest members: only sets that meet in one of the first
    `size - ceil(least * size) + 1` are compared (Bayardo, Ma and Srikant 2007).
    """
    counts = Counter(member for s in sets for member in s)
    met: dict[str, list[int]] = defaultdict(list)
    for j, members in enumerate(sets):
        rarest = sorted(members, key=lambda m: (counts[m], m))[: len(members) - ceil(least * len(members)) + 1]
        near = {i for m in rarest for i in met[m] if least * len(members) <= len(sets[i]) <= len(members) / least}
        for i in sorted(near):
            if (found := jaccard(sets[i], members)) >= least:
                yield i, j, found
        for m in rarest:
            met[m].append(j)


def meaning(rows: NDArray[np.float32], least: float) -> Iterator[tuple[int, int, float]]:
    """Yield `(i, j, cosine)` with `i < j` of every pair of unit rows of at least so much, by i and then j."""
    for first in range(0, len(rows), _BLOCK):
        cosines = rows[first : first + _BLOCK] @ rows.T
        for a, j in np.argwhere(cosines >= least).tolist():
            if first + a < j:
                yield first + a, j, float(cosines[a, j])
