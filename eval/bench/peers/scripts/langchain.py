"""LangChain: EnsembleRetriever over BM25Retriever (rank-bm25) and a vector store: Qdrant in memory, Qdrant or Chroma on disk.

Chosen: the documented hybrid of `EnsembleRetriever(weights=[0.5, 0.5])` with both retrievers at k=50, BM25Retriever's own tokenizer
(split at white space; the texts are lower case), one `from_documents` call each with its default batches. `HuggingFaceEmbeddings`
at its defaults embeds. BM25Retriever keeps nothing on disk whatever the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.bench.peers.inputs import Inputs
from eval.bench.peers.protocol import Competitor, serve


class LangChain(Competitor):
    """`options["store"]`: `qdrant`, `qdrant-path` or `chroma`."""

    packages = ("langchain-classic", "langchain-community", "langchain-core", "langchain-qdrant", "langchain-chroma", "langchain-huggingface",
                "rank-bm25", "qdrant-client", "chromadb", "sentence-transformers", "torch", "numpy")  # fmt: skip

    def __init__(self, given: Inputs, folder: Path, options: Mapping[str, Any]) -> None:
        super().__init__(given, folder, options)
        from langchain_classic.retrievers import EnsembleRetriever  # noqa: F401  # before the clock starts, as are all imports
        from langchain_community.retrievers import BM25Retriever  # noqa: F401  # before the clock starts
        from langchain_core.documents import Document

        if options["store"] == "chroma":
            from langchain_chroma import Chroma  # noqa: F401  # before the clock starts
        else:
            from langchain_qdrant import QdrantVectorStore  # noqa: F401  # before the clock starts
        self.embeddings = _embeddings(self)
        self.documents = [Document(page_content=t, metadata={"n": i}) for i, t in enumerate(given.passages)]

    def index(self) -> Mapping[str, Any]:
        """Fill both retrievers."""
        from langchain_classic.retrievers import EnsembleRetriever
        from langchain_community.retrievers import BM25Retriever

        keywords = BM25Retriever.from_documents(self.documents, k=50)
        vectors = self._store().as_retriever(search_kwargs={"k": 50})
        self.retriever = EnsembleRetriever(retrievers=[keywords, vectors], weights=[0.5, 0.5])
        return {"chunks": len(self.documents)}

    def _store(self) -> Any:
        if self.options["store"] == "chroma":
            from langchain_chroma import Chroma

            space = {"hnsw:space": "cosine"}
            return Chroma.from_documents(self.documents, self.embeddings, persist_directory=str(self.folder / "chroma"), collection_metadata=space)
        from langchain_qdrant import QdrantVectorStore

        where = {"path": str(self.folder / "qdrant")} if self.options["store"] == "qdrant-path" else {"location": ":memory:"}
        return QdrantVectorStore.from_documents(self.documents, self.embeddings, collection_name="passages", **where)

    def search(self, text: str) -> Sequence[Any]:
        """Ask the ensemble."""
        found: Sequence[Any] = self.retriever.invoke(text)[:50]
        return found

    def numbers(self, found: Sequence[Any]) -> list[int]:
        """Return what the metadata says."""
        return [int(d.metadata["n"]) for d in found]


def _embeddings(own: LangChain) -> Any:
    from langchain_core.embeddings import Embeddings

    probe = own.given.vectors[0].tolist()  # of a text of its own that Qdrant's store embeds to learn the dimension

    class Switched(Embeddings):  # type: ignore[misc]  # its type is not known where LangChain is not installed
        """The model's embeddings, or those that are given."""

        def __init__(self) -> None:
            from langchain_huggingface import HuggingFaceEmbeddings

            self.model = HuggingFaceEmbeddings(model_name=own.given.model) if own.options.get("embed") or own.options.get("live") else None
            if self.model:
                self.model.embed_query("warm")
            if not own.options.get("embed"):
                own.given.rows  # noqa: B018  # made before the clock starts

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            if own.live and self.model:
                rows: list[list[float]] = self.model.embed_documents(texts)
                return rows
            return [own.given.rows.get(t, probe) for t in texts]

        def embed_query(self, text: str) -> list[float]:
            if own.live and self.model:
                row: list[float] = self.model.embed_query(text)
                return row
            return own.given.rows[text]

    return Switched()


if __name__ == "__main__":
    serve(LangChain)
