"""Haystack: a pipeline of InMemoryBM25Retriever and InMemoryEmbeddingRetriever, joined by DocumentJoiner (`reciprocal_rank_fusion`).

Chosen: one InMemoryDocumentStore with its default BM25L and dot product, documents written in one call, top_k=50 everywhere.
SentenceTransformersDocumentEmbedder and SentenceTransformersTextEmbedder embed at their defaults. Telemetry is off by its variable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.bench.peers.inputs import Inputs
from eval.bench.peers.protocol import Competitor, serve


class Haystack(Competitor):
    """Everything in memory."""

    packages = ("haystack-ai", "sentence-transformers-haystack", "sentence-transformers", "torch", "numpy")

    def __init__(self, given: Inputs, folder: Path, options: Mapping[str, Any]) -> None:
        super().__init__(given, folder, options)
        from haystack import Document, Pipeline
        from haystack.components.joiners import DocumentJoiner
        from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        self.store = InMemoryDocumentStore()
        self.pipeline = Pipeline()
        self.pipeline.add_component("keywords", InMemoryBM25Retriever(self.store, top_k=50))
        self.pipeline.add_component("vectors", InMemoryEmbeddingRetriever(self.store, top_k=50))
        self.pipeline.add_component("join", DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=50))
        self.pipeline.connect("keywords", "join")
        self.pipeline.connect("vectors", "join")
        self.texts, self.questions = _embedders(self)
        self.documents = [Document(id=str(i), content=t) for i, t in enumerate(given.passages)]
        if not options.get("embed"):
            self.documents = [replace(d, embedding=given.rows[d.content]) for d in self.documents]

    def index(self) -> Mapping[str, Any]:
        """Embed where asked for, then write."""
        documents = self.texts.run(documents=self.documents)["documents"] if self.texts else self.documents
        return {"chunks": self.store.write_documents(documents)}

    def search(self, text: str) -> Sequence[Any]:
        """Run the pipeline."""
        row = self.questions.run(text=text)["embedding"] if self.live and self.questions else self.given.rows[text]
        asked = {"keywords": {"query": text}, "vectors": {"query_embedding": row}}
        found: Sequence[Any] = self.pipeline.run(asked)["join"]["documents"]
        return found

    def numbers(self, found: Sequence[Any]) -> list[int]:
        """Return the documents' ids."""
        return [int(d.id) for d in found]


def _embedders(own: Haystack) -> tuple[Any, Any]:
    """Return the embedder of documents and that of questions, each where it is needed, warmed up."""
    if not (own.options.get("embed") or own.options.get("live")):
        return None, None
    from haystack import Document
    from haystack_integrations.components.embedders.sentence_transformers import SentenceTransformersDocumentEmbedder, SentenceTransformersTextEmbedder

    texts = SentenceTransformersDocumentEmbedder(model=own.given.model, progress_bar=False)
    questions = SentenceTransformersTextEmbedder(model=own.given.model, progress_bar=False)
    texts.warm_up()
    questions.warm_up()
    texts.run(documents=[Document(content="warm")])
    questions.run(text="warm")
    return (texts if own.options.get("embed") else None), questions


if __name__ == "__main__":
    serve(Haystack)
