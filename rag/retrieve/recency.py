"""Fresh documents first: a ranking mixed with the age of the documents."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from rag.dates import NS, bound, iso
from rag.filters import MODIFIED, Condition, conjunction
from rag.index.reader import Reader
from rag.registry import register
from rag.retrieve._ranking import best, min_max, ranking
from rag.stages import Retriever, Space, bounded
from rag.types import Query, Ranking

DAY = 86_400


@register("recency")
@dataclass(frozen=True)
class Recency(Retriever):
    """`score = (1 - weight) min_max(score of over) + weight 0.5^(age / half_life_days)`, the age of the document in days.

    A document's age counts from when it was last modified to `as_of` (an ISO date; left out, the start of today in UTC, so that
    results hold for a day); one from later than that is of age 0, and one whose time is unknown gets nothing for being fresh.
    `fresh_within`, in days, leaves out, in the index, what is older, and what has no time.
    """

    over: Retriever
    weight: float = bounded(0.3, ge=0, le=1)
    half_life_days: float = bounded(180.0, gt=0)
    fresh_within: float | None = bounded(None, gt=0, le=1_000_000)
    as_of: str | None = None
    limit: int = bounded(100, ge=1)

    def __post_init__(self) -> None:
        """Check the bounds and the date; raises `ValueError`."""
        super().__post_init__()
        if self.as_of is not None and bound(self.as_of) is None:
            raise ValueError(f"as_of: expected a date such as 2026-01-31 or 2026-01-31T10:00:00Z, found {self.as_of[:60]!r}")

    def spaces(self) -> tuple[Space, ...]:
        """The spaces of the retriever within."""
        return self.over.spaces()

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return what the retriever within finds, ordered by relevance and freshness together."""
        start = time.perf_counter()
        now = self._now()
        facts: dict[str, object] = {"as_of": iso(now * NS)}
        if self.fresh_within is not None:
            cutoff = now - self.fresh_within * DAY
            query = replace(query, where=conjunction(Condition(MODIFIED, ">=", (str(cutoff),)), query.where))
            facts["modified_since"] = cutoff
        found = self.over.rank(query, reader)
        ages = self._ages(found, now, reader)
        scored = best(self._mixed(found, ages), self.limit)
        facts |= {"age_days": [None if (age := ages[i]) is None else round(age, 2) for i, _ in scored], "no_time": sum(a is None for a in ages.values())}
        return ranking(self.use, start, scored, [found.step], **facts)

    def _now(self) -> int:
        """Return the moment that ages count to, in seconds since the epoch."""
        return int(time.time()) // DAY * DAY if self.as_of is None else (bound(self.as_of) or 0) // NS

    def _ages(self, found: Ranking, now: int, reader: Reader) -> dict[str, float | None]:
        """Return the age in days of the document of every chunk, None where its time is unknown; nothing of one that is being written."""
        ages: dict[str, float | None] = {}
        for hit in reader.hits(found.scored, self.use):
            modified = reader.document(hit.chunk.span.doc_id).modified
            ages[hit.chunk.id] = None if modified is None else max(0.0, (now - modified) / DAY)
        return ages

    def _mixed(self, found: Ranking, ages: dict[str, float | None]) -> dict[str, float]:
        scored = [(i, s) for i, s in found.scored if i in ages]
        if not scored:
            return {}
        relevance = min_max([s for _, s in scored])
        fresh = [0.0 if (age := ages[i]) is None else 0.5 ** (age / self.half_life_days) for i, _ in scored]
        return {i: (1 - self.weight) * r + self.weight * f for (i, _), r, f in zip(scored, relevance, fresh, strict=True)}
