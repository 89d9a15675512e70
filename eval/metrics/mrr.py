"""mrr@k: one over the rank of the first relevant document among the first k (trec_eval `recip_rank`, cut at k)."""

from __future__ import annotations

from dataclasses import dataclass

from eval.metrics.base import metric
from eval.metrics.ranking import RankingAt


@metric("mrr")
@dataclass(frozen=True)
class Mrr(RankingAt):
    """`1 / rank` of the first relevant document, 0 when none is among the first k."""

    def of(self, found: list[int], best: list[int]) -> float:  # part of the interface
        """Return the reciprocal rank."""
        return next((1 / rank for rank, g in enumerate(found, start=1) if g > 0), 0.0)
