"""map: average precision over the whole list (trec_eval `map`, one question of it)."""

from __future__ import annotations

from dataclasses import dataclass

from eval.metrics.base import metric
from eval.metrics.ranking import Ranking


@metric("map")
@dataclass(frozen=True)
class AveragePrecision(Ranking):
    """The precision at the rank of each relevant document found, summed and divided by all relevant documents."""

    def of(self, found: list[int], best: list[int]) -> float:
        """Return `sum of precision at each relevant rank / R`."""
        hits, total = 0, 0.0
        for rank, g in enumerate(found, start=1):
            if g > 0:
                hits += 1
                total += hits / rank
        return total / len(best)
