"""Who takes part in which work, in which environment, and how each is set up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rag.errors import ConfigError
from rag.registry import did_you_mean

OURS = "spanwise"
DEFAULTS = "spanwise, defaults"
Work = Literal["search", "index", "embed", "grid"]


@dataclass(frozen=True)
class Entry:
    """One competitor: the module under `scripts`, its options, what it is, and where it keeps what it indexes.

    `role`: `ours`, `peer`, or `part` (the engine or the encoder alone). `peers` says that it runs in the peers' environment.
    """

    name: str
    module: str
    chosen: str
    role: Literal["ours", "peer", "part"] = "peer"
    keeps: Literal["memory", "disk", "nothing"] = "memory"
    options: Mapping[str, Any] = field(default_factory=dict)
    works: Sequence[Work] = ("search", "index", "embed")

    @property
    def peers(self) -> bool:
        """Whether it runs in the peers' environment."""
        return self.role == "peer" or self.name == "sentence-transformers"


EXACT = {"search": "exact", "together": True}
ENTRIES = (
    Entry(OURS, "own", "documents of ten passages, cut by paragraphs; every vector compared, as all peers but Chroma do", "ours", "disk", EXACT),
    Entry("spanwise, a document each", "own", "the same with every passage as a document of its own", "ours", "disk", {"search": "exact"}, ("index",)),
    Entry(DEFAULTS, "own", "the same with index.search: auto, which finds by one byte a number and ranks by the vectors", "ours", "disk", {"together": True}, ("search", "index")),
    Entry("LangChain", "langchain", "EnsembleRetriever over BM25Retriever (rank-bm25) and QdrantVectorStore in memory", options={"store": "qdrant"}),
    Entry("LlamaIndex", "llamaindex", "QueryFusionRetriever over BM25Retriever (bm25s) and VectorStoreIndex with SimpleVectorStore"),
    Entry("Haystack", "haystack", "InMemoryBM25Retriever and InMemoryEmbeddingRetriever with DocumentJoiner"),
    Entry("LangChain, Qdrant on disk", "langchain", "the same with QdrantVectorStore(path=...)", keeps="disk", options={"store": "qdrant-path"}, works=("index",)),
    Entry("LangChain, Chroma on disk", "langchain", "the same with Chroma(persist_directory=...)", keeps="disk", options={"store": "chroma"}, works=("search", "index")),
    Entry("LanceDB on disk", "lance", "one table with a full-text index, hybrid query with RRFReranker, no ANN index", keeps="disk"),
    Entry("engine alone", "engine", "Qdrant Edge, exact, dense and sparse vectors given", "part", "disk", works=("search", "index")),
    Entry("encoder alone", "encoder", "the call of this project's encoder, nothing remembered", "part", "nothing", {"own": True}, ("search", "embed")),
    Entry("sentence-transformers", "encoder", "SentenceTransformer.encode at its defaults", "part", "nothing", works=("search", "embed")),
)  # fmt: skip


def chosen(work: Work, names: Sequence[str] = ()) -> list[Entry]:
    """Return who takes part, ours first; `names` keeps only those, and ours. Raises `ConfigError` for a name that is none."""
    there = [e for e in ENTRIES if work in e.works]
    known = [e.name for e in there]
    for name in names:
        if name not in known:
            raise ConfigError(f"--peers: {name!r} takes no part in {work}{did_you_mean(name, known)}; choose: {'; '.join(known)}")
    return [e for e in there if not names or e.name in names or e.name == OURS]
