"""The rank-bm25 package over all chunks in scope: the small-corpus reference that the fast leg is tested against."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from rag.index.meta import holds
from rag.index.reader import Reader
from rag.index.spaces import average_length
from rag.registry import register
from rag.retrieve._feedback import expanded
from rag.retrieve._ranking import ranking
from rag.stages import Retriever, bounded
from rag.text import analyzer, check_language
from rag.types import Chunk, Query, Ranking

if TYPE_CHECKING:
    from rank_bm25 import BM25Okapi


@register("rank_bm25")
@dataclass(frozen=True)
class RankBm25(Retriever):
    """Keyword search by the rank-bm25 package, in memory: a reference for small corpora.

    `idf: okapi` is the package's own: `ln((N - n + 0.5) / (n + 0.5))`, where a negative value becomes `epsilon`
    times the mean idf, with the exact average length. `idf: lucene` puts in the idf and the rounded average length of
    `bm25`, so that the two can be compared number by number.
    """

    limit: int = bounded(100, ge=1)
    k1: float = bounded(1.2, gt=0)
    b: float = bounded(0.75, ge=0, le=1)
    epsilon: float = bounded(0.25, ge=0)
    idf: Literal["okapi", "lucene"] = "okapi"
    language: str = "english"

    def __post_init__(self) -> None:
        """Check bounds and language."""
        super().__post_init__()
        check_language(self.language)

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return the chunks that share a term with the query, by the package's score."""
        start = time.perf_counter()
        terms = expanded(query, self.language, reader) if query.feedback else analyzer(self.language).terms(query.text)
        scored = reader.memoised(lambda: self._search(terms, query, reader), self, terms, query.where) if terms else []
        return ranking(self.use, start, scored, terms=len(terms))

    def _search(self, terms: list[str] | dict[str, float], query: Query, reader: Reader) -> list[tuple[str, float]]:
        reader.runtime.work.searches += 1
        chunks, bm25 = reader.kept(f"rank_bm25 {self}", lambda: self._prepare(reader))
        if bm25 is None:
            return []
        weights = terms if isinstance(terms, dict) else Counter(terms)  # once per distinct term: a query may repeat one 100,000 times
        wanted = {t: n for t, n in weights.items() if t in bm25.idf}
        scores = sum((n * bm25.get_scores([t]) for t, n in sorted(wanted.items())), np.zeros(len(chunks)))
        rows = [i for i, counts in enumerate(bm25.doc_freqs) if not wanted.keys().isdisjoint(counts) and _meets(chunks[i], query, reader)]
        rows.sort(key=lambda i: (-scores[i], chunks[i].id))
        return [(chunks[i].id, float(scores[i])) for i in rows[: self.limit]]

    def _prepare(self, reader: Reader) -> tuple[list[Chunk], BM25Okapi | None]:
        from rank_bm25 import BM25Okapi

        chunks = list(reader.all_chunks())
        corpus = [analyzer(self.language).terms(c.index_text) for c in chunks]
        if not any(corpus):
            return chunks, None
        bm25 = BM25Okapi(corpus, k1=self.k1, b=self.b, epsilon=self.epsilon)
        if self.idf == "lucene":
            found: dict[str, int] = {}
            for counts in bm25.doc_freqs:
                for term in counts:
                    found[term] = found.get(term, 0) + 1
            held = sum(1 for c in corpus if c)
            bm25.idf = {t: math.log(1 + (held - n + 0.5) / (n + 0.5)) for t, n in found.items()}
            bm25.avgdl = average_length(sum(map(len, corpus)), held)
        bm25.doc_len = np.maximum(bm25.doc_len, 1)  # a chunk without terms scores 0 at any length but 0, where b = 1 makes it 0 / 0
        return chunks, bm25


def _meets(chunk: Chunk, query: Query, reader: Reader) -> bool:
    doc = chunk.span.doc_id
    return query.where is None or holds(chunk.meta, query.where, doc, reader.document(doc).modified)
