"""precision@k: the share of the first k places that hold a relevant document (trec_eval `P`)."""

from __future__ import annotations

from dataclasses import dataclass

from eval.metrics.base import metric
from eval.metrics.ranking import RankingAt


@metric("precision")
@dataclass(frozen=True)
class Precision(RankingAt):
    """Relevant documents in the first k, divided by k even when the list is shorter."""

    def of(self, found: list[int], best: list[int]) -> float:  # part of the interface
        """Return `relevant in the first k / k`."""
        return sum(g > 0 for g in found) / self.k
