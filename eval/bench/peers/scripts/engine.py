"""The embedded engine alone (Qdrant Edge): what this project's index is made of, with nothing around it.

Given: dense vectors and sparse ones of word counts (BM25 weights and tokenizing left out), as Python lists made beforehand. Chosen: no
graph, no write-ahead log, idf by the engine, two exact queries of 50 with payload, fused by rank in Python.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.bench.peers.inputs import DIMENSION, Inputs
from eval.bench.peers.protocol import Competitor, fused, serve

BATCH = 1000


class Engine(Competitor):
    """A shard in a folder."""

    packages = ("qdrant-edge-py", "numpy")

    def __init__(self, given: Inputs, folder: Path, options: Mapping[str, Any]) -> None:
        super().__init__(given, folder, options)
        import qdrant_edge  # noqa: F401  # before the clock starts

        self.sparse = [terms(t) for t in given.passages]
        self.asked = {t: terms(t) for t in given.queries}
        given.rows  # noqa: B018  # made before the clock starts

    def index(self) -> Mapping[str, Any]:
        """Write, optimise into immutable segments, flush and open again."""
        import qdrant_edge as edge

        path = self.folder / "shard"
        path.mkdir()
        shard = edge.EdgeShard.create(str(path), _config())
        texts, rows = self.given.passages, self.given.rows
        for i in range(0, len(texts), BATCH):
            part = range(i, min(i + BATCH, len(texts)))
            points = [edge.Point(n, {"dense": rows[texts[n]], "words": edge.SparseVector(*self.sparse[n])}, {"text": texts[n]}) for n in part]
            shard.update(edge.UpdateOperation.upsert_points(points))
        shard.optimize()
        shard.flush()
        shard.close()
        self.shard = edge.EdgeShard.load(str(path))
        return {"chunks": len(texts)}

    def search(self, text: str) -> Sequence[int]:
        """Ask twice and fuse."""
        import qdrant_edge as edge

        queries = [
            edge.Query.Nearest(self.given.rows[text], using="dense"),
            edge.Query.Nearest(edge.SparseVector(*self.asked[text]), using="words"),
        ]
        exact = edge.SearchParams(exact=True)
        legs = [self.shard.query(edge.QueryRequest(limit=50, query=q, params=exact, with_payload=True, with_vector=False)) for q in queries]
        return fused([[int(r.id) for r in leg] for leg in legs], 50)

    def close(self) -> None:
        """Close the shard."""
        self.shard.close()


def terms(text: str) -> tuple[list[int], list[float]]:
    """Return the words of a text as a sparse vector: a number each (CRC-32), and how often it stands there."""
    counts = Counter(zlib.crc32(w.strip("?,.;:'\"()").lower().encode()) for w in text.split())
    return list(counts), [float(n) for n in counts.values()]


def _config() -> Any:
    import qdrant_edge as edge

    return edge.EdgeConfig(
        vectors={"dense": edge.EdgeVectorParams(size=DIMENSION, distance=edge.Distance.Dot)},
        sparse_vectors={"words": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        wal_enabled=False,
        hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=128, full_scan_threshold=10),
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=1, default_segment_number=1),
    )


if __name__ == "__main__":
    serve(Engine)
