"""Fresh documents first: the scores of hits mixed with the age of their documents."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rag.dates import NS, day_or, iso
from rag.index.reader import Reader
from rag.refine._hits import found, rescored
from rag.registry import register
from rag.scores import age_days, fresh_mix
from rag.stages import Refiner, bounded
from rag.types import Found, Hit, Query


@register("recency")
@dataclass(frozen=True)
class Recency(Refiner):
    """`score = (1 - weight) min_max(score) + weight 0.5^(age / half_life_days)`, the age of the document in days.

    The same mix as that of the retriever of this name, over the hits of whatever came before. Age counts to `as_of` (an ISO
    date; left out, the start of today in UTC); a later document is of age 0, one of unknown time gets nothing for being fresh.
    """

    weight: float = bounded(0.3, ge=0, le=1)
    half_life_days: float = bounded(180.0, gt=0)
    as_of: str | None = None
    limit: int = bounded(20, ge=1)

    def __post_init__(self) -> None:
        """Check the bounds and the date; raises `ValueError`."""
        super().__post_init__()
        day_or(self.as_of)

    def refine(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Found:
        """Return hits by relevance and freshness together, ties by id, at most `limit`."""
        start = time.perf_counter()
        now = day_or(self.as_of)
        ages = {d: age_days(reader.document(d).modified, now) for d in dict.fromkeys(h.chunk.span.doc_id for h in hits)}
        mixed = fresh_mix([h.score for h in hits], [ages[h.chunk.span.doc_id] for h in hits], self.weight, self.half_life_days)
        order = sorted(zip(hits, mixed, strict=True), key=lambda m: (-m[1], m[0].chunk.id))[: self.limit]
        shown = [ages[h.chunk.span.doc_id] for h, _ in order]
        facts = {"as_of": iso(now * NS), "age_days": [None if a is None else round(a, 2) for a in shown], "no_time": sum(a is None for a in ages.values())}
        return found(self.use, start, len(hits), [rescored(h, s, self.use) for h, s in order], **facts)
