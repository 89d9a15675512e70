"""A floor under scores: what did too badly is not shown."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rag.index.reader import Reader
from rag.refine._calibration import probability
from rag.refine._hits import found
from rag.registry import register
from rag.stages import Refiner, bounded
from rag.types import Found, Hit, Query


@register("threshold")
@dataclass(frozen=True)
class Threshold(Refiner):
    """Drop hits whose score is below `floor`, or below `relative` times the best; at most `limit` are kept.

    With `a` and `b` the score is first turned into a probability, `1 / (1 + exp(-(a score + b)))`, to which both floors then
    apply; `rag.refine._calibration.fit(scores, relevant)` gives a and b from judged scores. Without, a floor is on the scale
    of whatever scored last: normalised scores reach 1 for every question, so that only `relative` says something there.
    Below a best score that is negative, `relative` leaves the same distance as below its positive. The first `keep` hits stay
    in any case: none by default, since a floor is there to let a pipeline say that nothing was found.
    """

    floor: float | None = None
    relative: float | None = bounded(0.5, ge=0, le=1)
    a: float | None = None
    b: float | None = None
    keep: int = bounded(0, ge=0)
    limit: int = bounded(20, ge=1)

    def __post_init__(self) -> None:
        """Check bounds, and that a calibration is whole; raises `ValueError`."""
        super().__post_init__()
        if (self.a is None) != (self.b is None):
            raise ValueError("a and b belong together: give both or neither")
        if self.a is not None and self.floor is not None and not 0 <= self.floor <= 1:
            raise ValueError(f"floor must be a probability from 0 to 1 where a and b are given, not {self.floor}")

    def refine(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Found:
        """Return the hits that reach the floor, in their order with their scores; the step says how many fell, and below what."""
        start = time.perf_counter()
        levels = [self._level(h.score) for h in hits]
        cut = self._cut(levels)
        stay = [h for i, (h, level) in enumerate(zip(hits, levels, strict=True)) if i < self.keep or cut is None or level >= cut]
        facts = {"floor": cut, "dropped": len(hits) - len(stay)}
        return found(self.use, start, len(hits), stay[: self.limit], **facts)

    def _level(self, score: float) -> float:
        return score if self.a is None or self.b is None else probability(score, self.a, self.b)

    def _cut(self, levels: Sequence[float]) -> float | None:
        """Return the level that hits must reach, None where nothing falls."""
        cuts = [] if self.floor is None else [self.floor]
        if levels and self.relative is not None:
            best = max(levels)
            cuts.append(best - (1 - self.relative) * abs(best))
        return max(cuts, default=None)
