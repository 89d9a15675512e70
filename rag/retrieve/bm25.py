"""BM25 over the engine's sparse vectors: the keyword leg."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rag.index.reader import Reader
from rag.index.spaces import bm25_query, bm25_terms
from rag.registry import register
from rag.retrieve._feedback import expanded
from rag.retrieve._ranking import ranking
from rag.stages import Retriever, Space, SparseSpace, bounded
from rag.text import check_language
from rag.types import Query, Ranking


@register("bm25")
@dataclass(frozen=True)
class Bm25(Retriever):
    """Keyword search: BM25 with Lucene's idf, served by the index.

    `idf = ln(1 + (N - n + 0.5) / (n + 0.5))`, never negative, unlike the one of `rank_bm25`. A query without terms
    (empty, only stop words, only emoji) finds nothing.
    """

    limit: int = bounded(100, ge=1)
    k1: float = bounded(1.2, gt=0)
    b: float = bounded(0.75, ge=0, le=1)
    language: str = "english"

    def __post_init__(self) -> None:
        """Check bounds and language."""
        super().__post_init__()
        check_language(self.language)

    @property
    def space(self) -> SparseSpace:
        """The sparse space this retriever reads."""
        return SparseSpace(self.language, self.k1, self.b)

    def spaces(self) -> tuple[Space, ...]:
        """One sparse space."""
        return (self.space,)

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return the chunks with the highest BM25 score for the terms of the query."""
        start = time.perf_counter()
        vector = bm25_terms(expanded(query, self.language, reader)) if query.feedback else bm25_query(query.text, self.space)
        scored = reader.leg(self.space, vector, self.limit, query.where)
        return ranking(self.use, start, scored, terms=len(vector.indices) if vector else 0)
