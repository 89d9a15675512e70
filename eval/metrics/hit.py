"""hit@k: whether a relevant document is among the first k (trec_eval `success`)."""

from __future__ import annotations

from dataclasses import dataclass

from eval.metrics.base import metric
from eval.metrics.ranking import RankingAt


@metric("hit")
@dataclass(frozen=True)
class Hit(RankingAt):
    """1 when any of the first k documents is relevant, else 0."""

    def of(self, found: list[int], best: list[int]) -> float:  # part of the interface
        """Return 1 or 0."""
        return float(any(g > 0 for g in found))
