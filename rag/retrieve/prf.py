"""Pseudo-relevance feedback: the first hits widen the query, without a chat model."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

from rag.index.reader import Reader
from rag.registry import register
from rag.retrieve._ranking import Scored, ranking
from rag.stages import Retriever, Space, bounded
from rag.types import Feedback, Query, Ranking


@register("prf")
@dataclass(frozen=True)
class Prf(Retriever):
    """Pseudo-relevance feedback: what `over` finds for the query together with what its first hits have in common.

    The first `documents` hits are taken to be relevant, each as much as its share of their scores says. Keyword legs add their
    `terms` likeliest terms and leave the query's own the share `alpha` (RM3: Lavrenko and Croft 2001, Abdul-Jaleel et al. 2004);
    vector legs search for `query + beta mean of the hits' vectors` (Rocchio 1971). `terms: 0` or `beta: 0` leaves such legs alone.
    """

    over: Retriever
    documents: int = bounded(5, ge=1, le=100)
    terms: int = bounded(10, ge=0, le=1000)
    alpha: float = bounded(0.7, ge=0, le=1)
    beta: float = bounded(0.3, ge=0)
    limit: int = bounded(100, ge=1)

    def spaces(self) -> tuple[Space, ...]:
        """The spaces of the retriever within."""
        return self.over.spaces()

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return what the second search finds; where the first found nothing there is none."""
        start = time.perf_counter()
        first = self.over.rank(query, reader)
        chunks = shares([(h.chunk.id, h.score) for h in reader.hits(first.scored[: self.documents], self.use)])
        if not chunks:
            return ranking(self.use, start, first.scored[: self.limit], [first.step], feedback=[])
        second = self.over.rank(replace(query, feedback=Feedback(chunks, self.terms, self.alpha, self.beta)), reader)
        facts = {"feedback": [i for i, _ in chunks], "feedback_weights": [w for _, w in chunks]}
        return ranking(self.use, start, second.scored[: self.limit], [first.step, second.step], **facts)


def shares(scored: Scored) -> tuple[tuple[str, float], ...]:
    """Return ids with their shares of the sum of scores, negative ones as 0; equal shares where no score is positive."""
    positive = [max(0.0, s) for _, s in scored]
    total = math.fsum(positive)
    return tuple((i, p / total if total > 0 else 1 / len(scored)) for (i, _), p in zip(scored, positive, strict=True))
