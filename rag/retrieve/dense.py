"""Vector search over sentence embeddings: the meaning leg."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from rag.index.reader import Reader
from rag.registry import register
from rag.retrieve._ranking import ranking
from rag.stages import DenseSpace, Retriever, Space, bounded, model
from rag.types import Query, Ranking


@register("dense")
@dataclass(frozen=True)
class Dense(Retriever):
    """Vector search: cosine between the embeddings of query and chunk.

    `model` is the bundled name, a local directory or a hub id of a sentence-transformers model; the prefixes are
    for models that were trained with them (`query: `, `passage: `). A blank query finds nothing.
    """

    limit: int = bounded(100, ge=1)
    model: str | None = model("encoder")
    query_prefix: str = ""
    passage_prefix: str = ""

    @property
    def space(self) -> DenseSpace:
        """The dense space this retriever reads."""
        return DenseSpace(self.model or "", self.passage_prefix)

    def spaces(self) -> tuple[Space, ...]:
        """One dense space."""
        return (self.space,)

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return the chunks nearest to the query, or to the mean of its passages where it has some."""
        start = time.perf_counter()
        texts = [t for t in (query.passages or (query.text,)) if t.strip()]
        vector = None
        if texts:
            rows = reader.runtime.embed(self.space.model, texts, prefix=self.passage_prefix if query.passages else self.query_prefix)
            mean = rows.mean(axis=0)
            vector = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
        embedded = time.perf_counter()
        scored = reader.leg(self.space, vector, self.limit, query.where)
        return ranking(self.use, start, scored, embed_ms=1000 * (embedded - start), texts=len(texts))
