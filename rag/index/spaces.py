"""Texts to the vectors of a named space: embeddings, and BM25 weights whose average length is stable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rag.fingerprint import key
from rag.index.gate import Sparse
from rag.stages import Space, SparseSpace
from rag.text import ANALYZER_VERSION, analyzer, term_id

STEPS = 16  # average lengths are powers of 2^(1/16): 4.4 % apart


@lru_cache(maxsize=1024)
def space_name(space: Space) -> str:
    """Return the name of a space in a collection: readable kind, then its content key."""
    if isinstance(space, SparseSpace):
        return f"bm25-{key('space', ANALYZER_VERSION, space)[:12]}"
    return f"dense-{key('space', space)[:12]}"


def average_length(terms: int, chunks: int) -> float:
    """Return the mean number of terms of a chunk, rounded to the nearest power of 2^(1/16).

    Rounded so that an index that grew equals one that was rebuilt: the value depends on the live chunks alone and
    seldom changes. Chunks without terms are left out, as the engine leaves them out of N; with none the average is 1.
    """
    mean = terms / chunks if chunks else 0.0
    return float(2 ** (round(math.log2(mean) * STEPS) / STEPS)) if mean > 0 else 1.0


def bm25_weights(lengths: Sequence[int], times: NDArray[np.uint32], space: SparseSpace, average: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the document side of BM25 of chunks, one after the other: chunk `i` has `lengths[i]` distinct terms; the average is one for all, or one each.

    `tf (k1 + 1) / (tf + k1 (1 - b + b length / average))` for each term (Robertson and Zaragoza 2009, eq. 3.15);
    the engine multiplies by `idf = ln(1 + (N - n + 0.5) / (n + 0.5))`, with N and n counted in scope.
    """
    chunk = np.repeat(np.arange(len(lengths)), lengths)
    total = np.bincount(chunk, weights=times, minlength=len(lengths))
    norm = space.k1 * (1 - space.b + space.b * total / average)
    return np.asarray(times * (space.k1 + 1) / (times + norm[chunk]), dtype=np.float64)


def bm25_query(text: str, space: SparseSpace) -> Sparse | None:
    """Return the query side of BM25: each term with the number of times it is asked for; None without terms."""
    counts = analyzer(space.language).counts(text)
    return Sparse(tuple(counts), tuple(float(n) for n in counts.values())) if counts else None


def bm25_terms(weights: Mapping[str, float]) -> Sparse | None:
    """Return the query side of BM25 for analysed terms with weights of their own; None when none is positive."""
    found: dict[int, float] = {}
    for term in sorted(weights):
        if weights[term] > 0:
            found[term_id(term)] = found.get(term_id(term), 0.0) + weights[term]
    order = sorted(found)
    return Sparse(tuple(order), tuple(found[i] for i in order)) if order else None
