"""recall@k: the share of the relevant documents that are among the first k (trec_eval `recall`)."""

from __future__ import annotations

from dataclasses import dataclass

from eval.metrics.base import metric
from eval.metrics.ranking import RankingAt


@metric("recall")
@dataclass(frozen=True)
class Recall(RankingAt):
    """Relevant documents in the first k, divided by all relevant documents."""

    def of(self, found: list[int], best: list[int]) -> float:
        """Return `relevant in the first k / R`."""
        return sum(g > 0 for g in found) / len(best)
