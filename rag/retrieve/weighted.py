"""Score fusion: several rankings to one, by normalised scores."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.index.reader import Reader
from rag.registry import register
from rag.retrieve._ranking import best, check_legs, ranking
from rag.scores import min_max
from rag.stages import Retriever, Space, bounded
from rag.types import Query, Ranking


@register("weighted")
@dataclass(frozen=True)
class Weighted(Retriever):
    """Weighted mean of the legs' scores, each leg normalised over what it returned.

    `min_max` maps a leg's scores to [0, 1]; `z_score` subtracts their mean and divides by their standard deviation.
    A chunk that a leg did not return gets the leg's lowest normalised score; where a leg's scores are all equal, 0 under
    `min_max` and -1 under `z_score`, below what the leg did return.
    """

    of: tuple[Retriever, ...]
    normalize: Literal["min_max", "z_score"] = "min_max"
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
        normalise = min_max if self.normalize == "min_max" else z_score
        scores = fuse([dict(leg.scored) for leg in legs], self.weights or (1.0,) * len(legs), normalise)
        return ranking(self.use, start, best(scores, self.limit), [leg.step for leg in legs])


def z_score(scores: Sequence[float]) -> list[float]:
    """Return `(s - mean) / standard deviation` (population); all 0 when they are equal."""
    mean = math.fsum(scores) / len(scores)
    deviation = math.sqrt(math.fsum((s - mean) ** 2 for s in scores) / len(scores))
    rounding = 1e-12 * max(map(abs, scores))  # the mean of equal numbers may differ from them in the last bit
    return [(s - mean) / deviation if deviation > rounding else 0.0 for s in scores]


def _floor(values: Sequence[float], normalise: Callable[[Sequence[float]], list[float]]) -> float:
    """Return what a chunk gets that the leg did not return: the leg's lowest value, or less where all its values are equal."""
    if normalise is min_max:
        return 0.0
    return min(values) if min(values) < max(values) else -1.0  # a flat leg still tells found from not found


def fuse(legs: list[dict[str, float]], weights: tuple[float, ...], normalise: Callable[[Sequence[float]], list[float]]) -> dict[str, float]:
    """Return the weighted mean of normalised scores for every id in any leg; empty legs have no say."""
    shares: dict[str, list[float]] = {}
    floors = []
    for leg, weight in zip(legs, weights, strict=True):
        if not leg or weight == 0:
            continue
        values = dict(zip(leg, normalise(list(leg.values())), strict=True))
        floor = _floor(list(values.values()), normalise)
        floors.append((values, weight, floor))
    total = math.fsum(weight for _, weight, _ in floors)  # exact, so that the order of the legs does not show
    for i in {i for leg in legs for i in leg}:
        shares[i] = [weight * values.get(i, floor) for values, weight, floor in floors]
    return {i: math.fsum(parts) / total if total else 0.0 for i, parts in shares.items()}
