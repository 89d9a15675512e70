"""ndcg@k: discounted gain of the first k over that of a perfect list (trec_eval `ndcg_cut`; Jarvelin and Kekalainen 2002)."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

from eval.metrics.base import metric
from eval.metrics.ranking import RankingAt


def dcg(gains: list[int]) -> float:
    """Return `sum of gain / log2(rank + 1)`: linear gains, as trec_eval, not `2^gain - 1`."""
    return sum(g / log2(rank + 1) for rank, g in enumerate(gains, start=1))


@metric("ndcg")
@dataclass(frozen=True)
class Ndcg(RankingAt):
    """DCG of the first k divided by the DCG of the k best grades there are."""

    def of(self, found: list[int], best: list[int]) -> float:
        """Return `dcg(found) / dcg(best k)`; a perfect list is exactly 1."""
        return dcg(found) / dcg(best[: self.k])
