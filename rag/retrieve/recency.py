"""Fresh documents first: a ranking mixed with the age of the documents."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from rag.dates import NS, day_or, iso
from rag.filters import MODIFIED, Condition, conjunction
from rag.index.reader import Reader
from rag.registry import register
from rag.retrieve._ranking import best, ranking
from rag.scores import DAY, age_days, fresh_mix
from rag.stages import Retriever, Space, bounded
from rag.types import Query, Ranking


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
        day_or(self.as_of)

    def spaces(self) -> tuple[Space, ...]:
        """The spaces of the retriever within."""
        return self.over.spaces()

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return what the retriever within finds, ordered by relevance and freshness together."""
        start = time.perf_counter()
        now = day_or(self.as_of)  # the moment that ages count to, in seconds since the epoch
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

    def _ages(self, found: Ranking, now: int, reader: Reader) -> dict[str, float | None]:
        """Return the age in days of the document of every chunk, None where its time is unknown; nothing of one that is being written."""
        ages: dict[str, float | None] = {}
        for hit in reader.hits(found.scored, self.use):
            ages[hit.chunk.id] = age_days(reader.document(hit.chunk.span.doc_id).modified, now)
        return ages

    def _mixed(self, found: Ranking, ages: dict[str, float | None]) -> dict[str, float]:
        scored = [(i, s) for i, s in found.scored if i in ages]
        mixed = fresh_mix([s for _, s in scored], [ages[i] for i, _ in scored], self.weight, self.half_life_days)
        return {i: s for (i, _), s in zip(scored, mixed, strict=True)}
