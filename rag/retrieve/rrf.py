"""Reciprocal rank fusion: several rankings to one, by ranks alone."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rag.index.reader import Reader
from rag.registry import register
from rag.retrieve._ranking import best, check_legs, fuse, ranking
from rag.stages import Retriever, Space, bounded
from rag.types import Query, Ranking


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

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return the fusion of what the legs find."""
        start = time.perf_counter()
        legs = [leg.rank(query, reader) for leg in self.of]
        scores = fuse([[i for i, _ in leg.scored] for leg in legs], self.weights or (1.0,) * len(legs), self.k)
        return ranking(self.use, start, best(scores, self.limit), [leg.step for leg in legs])
