"""Texts to the vectors of a named space: embeddings, and BM25 weights whose average length is stable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from rag.fingerprint import key
from rag.index.gate import Sparse
from rag.stages import Space, SparseSpace
from rag.text import ANALYZER_VERSION, analyzer

STEPS = 16  # average lengths are powers of 2^(1/16): 4.4 % apart


@lru_cache(maxsize=1024)
def space_name(space: Space) -> str:
    """Return the name of a space in a collection: readable kind, then its content key."""
    if isinstance(space, SparseSpace):
        return f"bm25-{key('space', ANALYZER_VERSION, space)[:12]}"
    return f"dense-{key('space', space)[:12]}"


def average_length(lengths: Sequence[int]) -> float:
    """Return the mean number of terms, rounded to the nearest power of 2^(1/16).

    Rounded so that an index that grew equals one that was rebuilt: the value depends on the live chunks alone and
    seldom changes. Chunks without terms are left out, as the engine leaves them out of N; with none the average is 1.
    """
    mean = sum(lengths) / len(lengths) if lengths else 0.0
    return float(2 ** (round(math.log2(mean) * STEPS) / STEPS)) if mean > 0 else 1.0


def bm25_weights(counts: dict[int, int], space: SparseSpace, average: float) -> Sparse | None:
    """Return the document side of BM25, None without terms.

    `tf (k1 + 1) / (tf + k1 (1 - b + b length / average))` for each term (Robertson and Zaragoza 2009, eq. 3.15);
    the engine multiplies by `idf = ln(1 + (N - n + 0.5) / (n + 0.5))`, with N and n counted in scope.
    """
    if not counts:
        return None
    norm = space.k1 * (1 - space.b + space.b * sum(counts.values()) / average)
    return Sparse(tuple(counts), tuple(tf * (space.k1 + 1) / (tf + norm) for tf in counts.values()))


def bm25_query(text: str, space: SparseSpace) -> Sparse | None:
    """Return the query side of BM25: each term with the number of times it is asked for; None without terms."""
    counts = analyzer(space.language).counts(text)
    return Sparse(tuple(counts), tuple(float(n) for n in counts.values())) if counts else None
