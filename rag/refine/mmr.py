"""Maximal marginal relevance: relevance traded against repetition."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from rag.index.reader import Reader
from rag.models.encoder import Vectors
from rag.refine._hits import found, rescored, unit_rows
from rag.registry import register
from rag.stages import Refiner, bounded, model
from rag.types import Found, Hit, Query


@register("mmr")
@dataclass(frozen=True)
class Mmr(Refiner):
    """Choose hits one by one by `lambda relevance - (1 - lambda) similarity to the nearest chosen one`.

    Carbonell and Goldstein 1998. Relevance is the incoming score mapped to [0, 1] over the list, similarity the
    cosine of embeddings. `balance` is lambda: 1 keeps the incoming order, 0 looks at diversity alone.
    """

    limit: int = bounded(20, ge=1)
    balance: float = bounded(0.7, ge=0, le=1)
    model: str | None = model("encoder")

    def refine(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Found:
        """Return at most `limit` of the hits, reordered; scores become their marginal relevance."""
        start = time.perf_counter()
        kept: list[Hit] = []
        if hits:
            vectors = unit_rows(hits, self.model or "", reader)
            chosen = select(np.array([h.score for h in hits]), vectors, self.balance, self.limit)
            kept = [rescored(hits[i], score, self.use) for i, score in chosen]
        return found(self.use, start, len(hits), kept)


def select(scores: np.ndarray[tuple[int], np.dtype[np.float64]], vectors: Vectors, balance: float, limit: int) -> list[tuple[int, float]]:
    """Return `(row, marginal relevance)` in the order chosen; ties go to the earlier row.

    `scores` has shape `(n,)`, `vectors` `(n, dimension)` with unit rows.
    """
    low, high = float(scores.min()), float(scores.max())
    relevance = (scores - low) / (high - low) if high > low else np.ones_like(scores)
    nearest = np.zeros(len(scores))
    left = np.ones(len(scores), dtype=bool)
    chosen: list[tuple[int, float]] = []
    while left.any() and len(chosen) < limit:
        gains = np.where(left, balance * relevance - (1 - balance) * nearest, -np.inf)
        best = int(np.argmax(gains))
        chosen.append((best, float(gains[best])))
        left[best] = False
        cosine = vectors @ vectors[best]
        nearest = cosine if len(chosen) == 1 else np.maximum(nearest, cosine)
    return chosen
