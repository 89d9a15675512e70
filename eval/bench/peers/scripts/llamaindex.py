"""LlamaIndex: QueryFusionRetriever in mode `reciprocal_rerank` over VectorStoreIndex (SimpleVectorStore) and BM25Retriever (bm25s).

Chosen: nodes made beforehand (no node parser), `num_queries=1` so that no language model is asked, a mock one because the class wants
some, `use_async=False` (one process, no waiting to overlap), BM25Retriever's default English stemmer and stop words, both retrievers
and the fusion at 50. `HuggingFaceEmbedding` at its defaults embeds. Nothing is fetched: no tokenizer of a language model is in use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.bench.peers.inputs import Inputs
from eval.bench.peers.protocol import Competitor, serve


class LlamaIndex(Competitor):
    """Everything in memory."""

    packages = ("llama-index-core", "llama-index-retrievers-bm25", "llama-index-embeddings-huggingface", "bm25s", "PyStemmer",
                "sentence-transformers", "torch", "numpy")  # fmt: skip

    def __init__(self, given: Inputs, folder: Path, options: Mapping[str, Any]) -> None:
        super().__init__(given, folder, options)
        from llama_index.core import VectorStoreIndex  # noqa: F401  # before the clock starts, as are all imports
        from llama_index.core.llms import MockLLM  # noqa: F401  # before the clock starts
        from llama_index.core.retrievers import QueryFusionRetriever  # noqa: F401  # before the clock starts
        from llama_index.core.schema import TextNode
        from llama_index.retrievers.bm25 import BM25Retriever  # noqa: F401  # before the clock starts

        self.embeddings = _embeddings(self)
        self.nodes = [TextNode(text=t, id_=str(i)) for i, t in enumerate(given.passages)]

    def index(self) -> Mapping[str, Any]:
        """Fill both retrievers."""
        from llama_index.core import VectorStoreIndex
        from llama_index.core.llms import MockLLM
        from llama_index.core.retrievers import QueryFusionRetriever
        from llama_index.retrievers.bm25 import BM25Retriever

        vectors = VectorStoreIndex(self.nodes, embed_model=self.embeddings)
        keywords = BM25Retriever.from_defaults(nodes=self.nodes, similarity_top_k=50)
        both = [vectors.as_retriever(similarity_top_k=50), keywords]
        self.retriever = QueryFusionRetriever(both, llm=MockLLM(), similarity_top_k=50, num_queries=1, mode="reciprocal_rerank", use_async=False)
        return {"chunks": len(self.nodes)}

    def search(self, text: str) -> Sequence[Any]:
        """Ask the fusion."""
        found: Sequence[Any] = self.retriever.retrieve(text)
        return found

    def numbers(self, found: Sequence[Any]) -> list[int]:
        """Return the nodes' ids."""
        return [int(n.node.node_id) for n in found]


def _embeddings(own: LlamaIndex) -> Any:
    from llama_index.core.embeddings import BaseEmbedding

    model: Any = None
    if own.options.get("embed") or own.options.get("live"):
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        model = HuggingFaceEmbedding(model_name=own.given.model)
        model.get_query_embedding("warm")
    if own.options.get("embed"):
        return model
    own.given.rows  # noqa: B018  # made before the clock starts

    class Switched(BaseEmbedding):  # type: ignore[misc]  # its type is not known where LlamaIndex is not installed
        """The embeddings that are given, and for questions the model's when they are asked for."""

        def _get_query_embedding(self, query: str) -> list[float]:
            return model.get_query_embedding(query) if own.live else own.given.rows[query]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            return own.given.rows[text]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return [own.given.rows[t] for t in texts]

    return Switched(embed_batch_size=2048)


if __name__ == "__main__":
    serve(LlamaIndex)
