"""How a shard in this process is laid out on disk and searched: segments, graphs and quantized vectors, all chosen from measured recall."""

from __future__ import annotations

import json
from pathlib import Path

import qdrant_edge as edge

from rag.index.engine import Layout
from rag.index.manifest import write_bytes

SEGMENT = 50_000  # points of a segment of a small index: what is rewritten for one change, and what has to be in memory while it is
# Of a large one: each is searched for every query, so beyond 250,000 points they grow. For a change the engine mends a graph, it makes none anew.
MOST_SEGMENTS = 5
COMPARED, MOST_COMPARED = 11_000, 16  # the same two where there is no graph
_M, _EF_CONSTRUCT, _EF = 16, 128, 128
_OVERSAMPLING = 2.0  # how many times the limit are found among quantized vectors, then ranked by the vectors themselves
_QUANTILE = 0.99


def segment_points(layout: Layout, points: int) -> int:
    """Return how many points a segment of a shard of about `points` holds."""
    least, most = (COMPARED, MOST_COMPARED) if _compared(layout) else (SEGMENT, MOST_SEGMENTS)
    return max(least, -(-points // most))


def segments(layout: Layout, points: int) -> int:
    """Return how many segments a shard of about `points` may have: one more than are filled, so that a small change is not merged into a large one at once.

    Of a shard without a graph whose size is not known yet (0), as many as there will ever be, so that none are merged while more come.
    """
    return MOST_COMPARED + 1 if _compared(layout) and not points else points // segment_points(layout, points) + 1


def _compared(layout: Layout) -> bool:
    """Whether all vectors are compared, with no graph: the engine does segments side by side, as many at once as there are processors."""
    return bool(layout.dense) and not layout.hnsw


def config(layout: Layout, points: int) -> edge.EdgeConfig:
    """Return the settings that a shard of about `points` is written with.

    Any deletion has a segment rewritten, so that nothing of what was deleted stays in a file.
    """
    sparse = layout.sparse if layout.sparse or layout.dense else ("unused",)  # the engine demands a space even where nothing needs one
    return edge.EdgeConfig(
        vectors={n: edge.EdgeVectorParams(size=d, distance=edge.Distance.Dot, memory=edge.Memory.Cold) for n, d in layout.dense.items()},
        sparse_vectors={n: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf, memory=edge.Memory.Cold) for n in sparse},
        wal_enabled=False,
        hnsw_config=edge.HnswIndexConfig(m=_M if layout.hnsw else 0, ef_construct=_EF_CONSTRUCT, full_scan_threshold=10),
        quantization_config=_quantization(layout),
        optimizers=edge.EdgeOptimizersConfig(
            indexing_threshold=1, default_segment_number=segments(layout, points), deleted_threshold=0.0, vacuum_min_vector_number=1
        ),
    )


def forget(shard: Path) -> None:
    """Have a private copy of a shard forget how its vectors were quantized: the engine takes a setting left out for one to keep."""
    path = shard / "edge_config.json"
    settings = json.loads(path.read_bytes())
    if settings.pop("quantization_config", None) is not None:
        write_bytes(path, json.dumps(settings).encode())


def dense_params(layout: Layout, limit: int, exact: bool) -> edge.SearchParams:
    """Return how a dense space is searched: without a graph every vector is compared. Exact search reads the vectors themselves, never quantized ones."""
    if exact or not (layout.hnsw or layout.quantization != "none"):
        return edge.SearchParams(exact=True, quantization=edge.QuantizationSearchParams(ignore=True))
    quantized = edge.QuantizationSearchParams(rescore=True, oversampling=_OVERSAMPLING) if layout.quantization != "none" else None
    return edge.SearchParams(exact=False, hnsw_ef=max(_EF, limit), quantization=quantized)


def _quantization(layout: Layout) -> edge.ScalarQuantizationConfig | None:
    """Return how vectors are quantized: one byte a number, mapped from disk like the vectors."""
    if layout.quantization == "scalar":
        return edge.ScalarQuantizationConfig(edge.ScalarType.Int8, quantile=_QUANTILE, memory=edge.Memory.Cold)
    return None
