"""Reranking by late interaction: the words of the question looked for, each in its context, among the words of the passage."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rag.index.reader import Reader
from rag.models.token_vectors import maxsim
from rag.refine._hits import found, rescored
from rag.registry import register
from rag.scores import min_max
from rag.stages import Refiner, bounded, model
from rag.types import Found, Hit, Query


@register("late_interaction")
@dataclass(frozen=True)
class LateInteraction(Refiner):
    """Order the first `candidates` hits by `blend min_max(MaxSim) + (1 - blend) min_max(incoming score)`; hits beyond them are dropped.

    MaxSim (Khattab and Zaharia 2020, ColBERT) is the mean over the question's tokens of the greatest cosine to a token of the
    passage, here between contextual token embeddings of the index's own encoder, special tokens left out. The encoder was trained
    for whole texts and not for this, which is why the incoming score keeps half a say.
    """

    limit: int = bounded(20, ge=1)
    candidates: int = bounded(50, ge=1)
    blend: float = bounded(0.5, ge=0, le=1)
    model: str | None = model("encoder")

    def refine(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Found:
        """Return the best `limit` by (-score, id); the step says how many were compared, and their MaxSim in the order returned."""
        start = time.perf_counter()
        asked = hits[: self.candidates]
        if not asked:
            return found(self.use, start, len(hits), [], compared=0, maxsim=[])
        question, *passages = reader.runtime.token_vectors(self.model or "", [query.text, *(h.chunk.index_text for h in asked)])
        similar = [maxsim(question, p) for p in passages]
        near, before = min_max(similar), min_max([h.score for h in asked])
        scores = [self.blend * n + (1 - self.blend) * b for n, b in zip(near, before, strict=True)]
        order = sorted(range(len(asked)), key=lambda i: (-scores[i], asked[i].chunk.id))[: self.limit]
        best = [rescored(asked[i], scores[i], self.use) for i in order]
        return found(self.use, start, len(hits), best, compared=len(asked), maxsim=[similar[i] for i in order])
