"""A retriever over a part of the corpus: a filter on metadata, joined to that of the query."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from rag.filter_text import parse, write
from rag.filters import conjunction
from rag.index.reader import Reader
from rag.registry import register
from rag.retrieve._ranking import ranking
from rag.stages import Retriever, Space, bounded
from rag.types import Query, Ranking


@register("filtered")
@dataclass(frozen=True)
class Filtered(Retriever):
    """What `over` finds among the chunks that meet `where`, which is written as for `--where`: `lang = en and not draft = true`.

    The index does the filtering, so `over` still finds as many as it is asked for. A filter of the query is joined by and.
    """

    over: Retriever
    where: str
    limit: int = bounded(100, ge=1)

    def __post_init__(self) -> None:
        """Check the bounds and that the filter can be read; raises `ValueError`."""
        super().__post_init__()
        parse(self.where)

    def spaces(self) -> tuple[Space, ...]:
        """The spaces of the retriever within."""
        return self.over.spaces()

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return the first of what the retriever within finds under the filter."""
        start = time.perf_counter()
        own = parse(self.where)
        found = self.over.rank(replace(query, where=conjunction(own, query.where)), reader)
        facts = {"where": write(own), "unknown_fields": list(reader.unknown_fields(own))}
        return ranking(self.use, start, found.scored[: self.limit], [found.step], **facts)
