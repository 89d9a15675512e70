"""Vector search over sentence embeddings: the meaning leg."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.index.reader import Reader
from rag.registry import register
from rag.retrieve._feedback import feedback_vector
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
        rows = self._rows(query, reader)
        vector = None
        if len(rows):
            vector = _unit(rows.mean(axis=0))
            if query.feedback:
                vector = _unit(vector + feedback_vector(query.feedback, self.space, reader))
        embedded = time.perf_counter()
        scored = reader.leg(self.space, vector, self.limit, query.where)
        return ranking(self.use, start, scored, embed_ms=1000 * (embedded - start), texts=len(rows))

    def _rows(self, query: Query, reader: Reader) -> NDArray[np.float32]:
        """Return the embeddings whose mean is searched for: of the passages, of the text, or of both."""
        passages = [p for p in query.passages if p.strip()]
        own = [query.text] if query.text.strip() and (query.with_text or not query.passages) else []
        embed, given = reader.runtime.embed, ((passages, self.passage_prefix, False), (own, self.query_prefix, True))
        found = [embed(self.space.model, t, prefix=p, question=q) for t, p, q in given if t]
        return np.concatenate(found) if found else np.empty((0, 0), dtype=np.float32)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)
