"""Reciprocal rank fusion: several rankings to one, by ranks alone."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rag.index.reader import Reader
from rag.registry import register
from rag.retrieve._ranking import check_legs, pool, ranked, step
from rag.stages import Retriever, Space, bounded
from rag.types import Found, Query


@register("rrf")
@dataclass(frozen=True)
class Rrf(Retriever):
    """Reciprocal rank fusion: `score = sum of weight / (k + rank)` over the legs, ranks from 1.

    Cormack, Clarke and Buettcher 2009. A chunk that a leg did not return gets nothing from it.
    """

    of: tuple[Retriever, ...]
    k: float = bounded(60.0, ge=0)
    weights: tuple[float, ...] = ()
    limit: int = bounded(100, ge=1)

    def __post_init__(self) -> None:
        """Check that there are legs and a weight for each."""
        super().__post_init__()
        check_legs(self.of, self.weights)

    def spaces(self) -> tuple[Space, ...]:
        """The spaces of all legs."""
        return tuple(dict.fromkeys(s for leg in self.of for s in leg.spaces()))

    def search(self, query: Query, reader: Reader) -> Found:
        """Return the fusion of what the legs find."""
        start = time.perf_counter()
        legs = [leg.search(query, reader) for leg in self.of]
        scores = fuse([[h.chunk.id for h in f.hits] for f in legs], self.weights or (1.0,) * len(legs), self.k)
        hits = ranked(scores, pool(legs), self.limit, self.use)
        return Found(hits, step(self.use, 1000 * (time.perf_counter() - start), hits, [f.step for f in legs]))


def fuse(rankings: list[list[str]], weights: tuple[float, ...], k: float) -> dict[str, float]:
    """Return the fused score of every id in any ranking; the same whatever the order of the rankings.

    Contributions are summed from the smallest up, so that floating-point addition does not depend on leg order.
    """
    shares: dict[str, list[float]] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, i in enumerate(ranking, start=1):
            shares.setdefault(i, []).append(weight / (k + rank))
    return {i: sum(sorted(parts)) for i, parts in shares.items()}
