"""Keyword search over passages of a corpus, for checks that ask what a question would find."""

from __future__ import annotations

from collections.abc import Sequence

from eval.grid import open_shared
from rag.config import parse
from rag.fingerprint import key
from rag.runtime import Runtime
from rag.types import Document, Hit

SIZE = 800  # characters of a passage
DEEP = 100  # passages that are ranked


class Finder:
    """BM25 over passages of at most `SIZE` characters; the index is kept in the cache by the content of the corpus."""

    def __init__(self, documents: Sequence[Document], runtime: Runtime, language: str = "english") -> None:
        chunk = {"use": "sentence", "size": SIZE, "unit": "characters", "language": language}
        self._pipeline = parse({"chunk": chunk, "retrieve": {"use": "bm25", "limit": DEEP, "language": language}})
        digest = key("corpus", sorted([d.id, d.digest] for d in documents))
        self._index = open_shared([self._pipeline], documents, digest, runtime)

    def passages(self, text: str, most: int) -> tuple[Hit, ...]:
        """Return the best passages for a text, at most so many."""
        return self._pipeline.search(self._index, text)[0][:most]

    def documents(self, text: str) -> list[str]:
        """Return the ids of the documents found, each at its best passage, best first."""
        return list(dict.fromkeys(hit.chunk.span.doc_id for hit in self.passages(text, DEEP)))

    def close(self) -> None:
        """Close the index."""
        self._index.close()
