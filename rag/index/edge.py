"""The engine in this process: a Qdrant Edge shard in a directory. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from rag.errors import StoreError
from rag.index import meta
from rag.index.engine import Layout, Scope, Scored
from rag.index.gate import PointRecord, Sparse, validate
from rag.index.manifest import REBUILD
from rag.types import Condition

_TIES = 4  # fetched beyond `limit`, so that ties at the edge are broken by id and not by the engine
_HNSW_EF = 128
_SCHEMA = {"keyword": edge.PayloadSchemaType.Keyword, "integer": edge.PayloadSchemaType.Integer, "float": edge.PayloadSchemaType.Float}


@contextmanager
def _native(doing: str) -> Iterator[None]:
    """Turn what the native code raises, panics included, into a `StoreError`."""
    try:
        yield
    except (StoreError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of the native code is a BaseException
        text = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise StoreError(f"the index engine failed while {doing} ({text}); run `rag check`, or {REBUILD}") from None


class EdgeEngine:
    """One shard. It holds the interpreter lock while it works and must not be used after a fork."""

    def __init__(self, path: Path, shard: edge.EdgeShard, layout: Layout) -> None:
        """Wrap an open shard; use `create` or `load`."""
        self.path, self._shard, self.layout = path, shard, layout

    @classmethod
    def create(cls, path: Path, layout: Layout) -> EdgeEngine:
        """Make an empty shard. It has no write-ahead log: it is private until it is sealed by `finish`."""
        sparse = layout.sparse if layout.sparse or layout.dense else ("unused",)  # the engine demands a space even where nothing needs one
        with _native(f"creating {path}"):
            config = edge.EdgeConfig(
                vectors={n: edge.EdgeVectorParams(size=d, distance=edge.Distance.Dot) for n, d in layout.dense.items()},
                sparse_vectors={n: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf) for n in sparse},
                wal_enabled=False,
                hnsw_config=edge.HnswIndexConfig(m=16 if layout.hnsw else 0, ef_construct=128, full_scan_threshold=10),
                optimizers=edge.EdgeOptimizersConfig(indexing_threshold=1, default_segment_number=1),
            )
            return cls(path, edge.EdgeShard.create(str(path), config), layout)

    @classmethod
    def load(cls, path: Path, layout: Layout) -> EdgeEngine:
        """Open a sealed shard. Raises `StoreError` when it is missing or refuses to open."""
        if not (path / "edge_config.json").is_file():
            raise StoreError(f"{path}: no shard is there; {REBUILD}")
        with _native(f"opening {path}"):
            return cls(path, edge.EdgeShard.load(str(path)), layout)

    def write(self, points: Sequence[PointRecord]) -> None:
        """Add or replace points; every one passes the gate first."""
        for p in points:
            validate(p, self.layout.dense, self.layout.sparse)
        with _native("writing"):
            native = []
            for p in points:
                vectors: dict[str, Any] = {n: v.tolist() for n, v in p.dense.items()}
                vectors.update({n: edge.SparseVector(list(s.indices), list(s.values)) for n, s in p.sparse.items()})
                native.append(edge.Point(p.id, vectors, dict(p.payload)))
            self._shard.update(edge.UpdateOperation.upsert_points(native))

    def index_payload(self, keys: Mapping[str, str]) -> None:
        """Build payload indexes."""
        with _native("indexing metadata"):
            for name, kind in keys.items():
                self._shard.update(edge.UpdateOperation.create_field_index(name, _SCHEMA[kind]))

    def finish(self) -> None:
        """Optimise into immutable segments, flush and close."""
        with _native("optimising"):
            self._shard.optimize()
            self._shard.flush()
            self._shard.close()

    def close(self) -> None:
        """Release the shard."""
        with _native("closing"):
            self._shard.close()

    def nearest(self, space: str, vector: NDArray[np.float32] | Sparse, limit: int, scope: Scope, where: Sequence[Condition], exact: bool) -> list[Scored]:
        """Return ids and scores by (-score, id); ties at the limit are resolved by fetching past them."""
        fetch = limit + _TIES
        with _native("preparing a search"):
            keep = _filter(scope, where)
            if isinstance(vector, Sparse):
                query = edge.Query.Nearest(edge.SparseVector(list(vector.indices), list(vector.values)), using=space)
                # Without a corpus filter deleted chunks keep bending idf; with the tenant's, other tenants do not show in scores.
                params = edge.SearchParams(exact=True, idf=edge.IdfParams(corpus=_filter(scope, ()) or edge.Filter()))
            else:
                query = edge.Query.Nearest(vector.tolist(), using=space)
                params = edge.SearchParams(exact=exact, hnsw_ef=max(_HNSW_EF, limit))
        while True:
            with _native("searching"):
                rows = self._shard.query(edge.QueryRequest(limit=fetch, query=query, filter=keep, params=params, with_payload=False, with_vector=False))
            found = sorted(((str(r.id), float(r.score)) for r in rows), key=lambda s: (-s[1], s[0]))
            if len(found) < fetch or found[-1][1] < found[limit - 1][1]:
                return found[:limit]
            fetch *= 4

    def payloads(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the payloads of the ids that exist."""
        if not ids:
            return {}
        with _native("reading"):
            return {str(r.id): dict(r.payload or {}) for r in self._shard.retrieve(list(ids), with_payload=True, with_vector=False)}

    def vectors(self, space: str, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors of the ids that have one in a dense space."""
        if not ids:
            return {}
        with _native("reading"):
            rows = self._shard.retrieve(list(ids), with_payload=False, with_vector=[space])
            return {str(r.id): np.asarray(r.vector[space], dtype=np.float32) for r in rows if isinstance(r.vector, dict) and space in r.vector}

    def scroll(self, kind: str, scope: Scope) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every point of a kind by id."""
        must: list[Any] = [edge.FieldCondition("kind", match=edge.MatchValue(kind))]
        if (own := _filter(scope, ())) is not None:
            must.append(own)
        offset = None
        while True:
            request = edge.ScrollRequest(offset=offset, limit=1000, filter=edge.Filter(must=must), with_payload=True, with_vector=False)
            with _native("reading"):
                rows, offset = self._shard.scroll(request)
            yield from ((str(r.id), dict(r.payload or {})) for r in rows)
            if offset is None:
                return

    def count(self) -> int:
        """Return the exact number of points."""
        with _native("counting"):
            return int(self._shard.count(edge.CountRequest(exact=True)))


def _filter(scope: Scope, where: Sequence[Condition]) -> edge.Filter | None:
    """Return scope and conditions joined by and, the scope first; None when there is nothing to hold to."""
    must: list[Any] = []
    if scope.tenant is not None:
        must.append(edge.FieldCondition("tenant", match=edge.MatchValue(scope.tenant)))
    must += [_condition(c) for c in where]
    return edge.Filter(must=must) if must else None


def _condition(condition: Condition) -> edge.Filter:
    """Return `key = value`, where a value that reads as a number also equals that number."""
    name = meta.path(condition.key)
    either: list[Any] = [edge.FieldCondition(name, match=edge.MatchValue(condition.value))]
    if (number := meta.number(condition.value)) is not None:
        either.append(edge.FieldCondition(name, range=edge.RangeFloat(gte=number, lte=number)))
    return edge.Filter(should=either)
