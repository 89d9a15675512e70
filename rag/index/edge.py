"""The engine in this process: a Qdrant Edge shard in a directory. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from rag.errors import FilterError, StoreError
from rag.filters import Filter
from rag.index.batch import Batch, validate_batch
from rag.index.edge_filter import compiled
from rag.index.edge_layout import config, dense_params, forget
from rag.index.engine import Layout, Scope, Scored
from rag.index.gate import PointRecord, Sparse, validate
from rag.index.manifest import REBUILD
from rag.index.ties import past_ties

# Without a corpus deleted chunks keep bending idf until the shard is optimised; counting it takes most of a search. With a tenant's, others do not show in scores.
_SPARSE = edge.SearchParams(exact=True)
_SCHEMA = {"keyword": edge.PayloadSchemaType.Keyword, "integer": edge.PayloadSchemaType.Integer, "float": edge.PayloadSchemaType.Float}


@contextmanager
def _native(doing: str) -> Iterator[None]:
    """Turn what the native code raises, panics included, into a `StoreError`."""
    try:
        yield
    except (StoreError, FilterError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of the native code is a BaseException
        text = (str(error).splitlines() or [type(error).__name__])[0][:200]
        if "Not enough space" in text:  # it looks before it optimises
            raise StoreError(f"the disk is too full for {doing} the index ({text}); free some space and run the command again") from None
        raise StoreError(f"the index engine failed while {doing} ({text}); run `rag check`, or {REBUILD}") from None


class EdgeEngine:
    """One shard. Searches let go of the interpreter lock; it must not be used after a fork."""

    def __init__(self, path: Path, shard: edge.EdgeShard, layout: Layout, sealed: bool = False) -> None:
        """Wrap an open shard; use `create` or `load`. `sealed` as long as nothing is written to what was optimised."""
        self.path, self._shard, self.layout, self._sealed = path, shard, layout, sealed

    @classmethod
    def create(cls, path: Path, layout: Layout, points: int = 0) -> EdgeEngine:
        """Make an empty shard for about `points`. It has no write-ahead log: it is private until it is sealed by `finish`."""
        with _native(f"creating {path}"):
            return cls(path, edge.EdgeShard.create(str(path), config(layout, points)), layout)

    @classmethod
    def patch(cls, path: Path, layout: Layout, points: int = 0) -> EdgeEngine:
        """Open a private copy of a shard to change it; where `layout` has or has not a graph or quantized vectors, `finish` makes it so."""
        with _native(f"opening {path}"):
            if layout.quantization == "none":
                forget(path)
            return cls(path, edge.EdgeShard.load(str(path), config(layout, points)), layout)

    @classmethod
    def load(cls, path: Path, layout: Layout) -> EdgeEngine:
        """Open a sealed shard. Raises `StoreError` when it is missing or refuses to open."""
        if not (path / "edge_config.json").is_file():
            raise StoreError(f"{path}: no shard is there; {REBUILD}")
        with _native(f"opening {path}"):
            return cls(path, edge.EdgeShard.load(str(path)), layout, sealed=True)

    def write(self, points: Sequence[PointRecord]) -> None:
        """Add or replace points; every one passes the gate first."""
        self._sealed = False
        for p in points:
            validate(p, self.layout.dense, self.layout.sparse)
        with _native("writing"):
            native = []
            for p in points:
                vectors: dict[str, Any] = {n: v.tolist() for n, v in p.dense.items()}
                vectors.update({n: edge.SparseVector(list(s.indices), list(s.values)) for n, s in p.sparse.items()})
                native.append(edge.Point(p.id, vectors, dict(p.payload)))
            self._shard.update(edge.UpdateOperation.upsert_points(native))

    def operation(self, batch: Batch) -> edge.UpdateOperation:
        """Return what `apply` writes of points, which have passed the gate: while one batch is written, a thread may make this of the next."""
        validate_batch(batch, self.layout.dense, self.layout.sparse)
        with _native("writing"):
            vectors: list[dict[str, Any]] = [{} for _ in batch.ids]
            for name, rows in batch.dense.items():
                for own, row in zip(vectors, rows.tolist(), strict=True):
                    own[name] = row
            for name, weights in batch.sparse.items():
                for own, (indices, values) in zip(vectors, weights.vectors(), strict=True):
                    if indices:
                        own[name] = edge.SparseVector(indices, values)
            native = [edge.Point(i, v, dict(p)) for i, v, p in zip(batch.ids, vectors, batch.payloads, strict=True)]
            return edge.UpdateOperation.upsert_points(native)

    def apply(self, operation: edge.UpdateOperation) -> None:
        """Write what `operation` made; lets go of the interpreter lock."""
        self._sealed = False
        with _native("writing"):
            self._shard.update(operation)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete points; their text and vectors leave the files when `finish` rewrites the segments they were in."""
        if ids:
            self._sealed = False
            with _native("deleting"):
                self._shard.update(edge.UpdateOperation.delete_points(list(ids)))

    def points_of(self, tenant: str, doc_id: str) -> list[str]:
        """Return the ids of all points of a document."""
        must: list[Any] = [edge.FieldCondition("doc", match=edge.MatchValue(doc_id))]
        if tenant:
            must.append(edge.FieldCondition("tenant", match=edge.MatchValue(tenant)))
        found: list[str] = []
        offset = None
        while True:
            with _native("reading"):
                rows, offset = self._shard.scroll(
                    edge.ScrollRequest(offset=offset, limit=1000, filter=edge.Filter(must=must), with_payload=False, with_vector=False)
                )
            found += [str(r.id) for r in rows]
            if offset is None:
                return found

    def reweigh(self, space: str, weights: Mapping[str, Sparse | None]) -> None:
        """Replace one sparse vector of points that exist; None removes it."""
        self._sealed = False
        for i, w in weights.items():
            if w is not None:
                validate(PointRecord(i, {}, {space: w}, {}), {}, self.layout.sparse)
        gone: list[Any] = [i for i, w in weights.items() if w is None]
        with _native("writing"):
            kept = [edge.PointVectors(i, {space: edge.SparseVector(list(w.indices), list(w.values))}) for i, w in weights.items() if w is not None]
            if kept:
                self._shard.update(edge.UpdateOperation.update_vectors(kept))
            if gone:
                self._shard.update(edge.UpdateOperation.delete_vectors(gone, [space]))

    def index_payload(self, keys: Mapping[str, str]) -> None:
        """Have payload indexes on these keys and no others."""
        with _native("indexing metadata"):
            for name in self._shard.info().payload_schema.keys() - keys.keys():
                self._shard.update(edge.UpdateOperation.delete_field_index(name))
            for name, kind in keys.items():
                self._shard.update(edge.UpdateOperation.create_field_index(name, _SCHEMA[kind]))

    def rotate(self, points: int) -> None:
        """Optimise what was written so far, and let go of its pages: memory while building stays that of one segment."""
        self.finish()
        self._shard = self.patch(self.path, self.layout, points)._shard

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

    def nearest(self, space: str, vector: NDArray[np.float32] | Sparse, limit: int, scope: Scope, where: Filter | None, exact: bool) -> list[Scored]:
        """Return ids and scores by (-score, id); ties at the limit are resolved by fetching past them."""
        with _native("preparing a search"):
            keep = compiled(scope, where)
            if isinstance(vector, Sparse):
                query = edge.Query.Nearest(edge.SparseVector(list(vector.indices), list(vector.values)), using=space)
                plain = self._sealed and scope.tenant is None
                params = _SPARSE if plain else edge.SearchParams(exact=True, idf=edge.IdfParams(corpus=compiled(scope, None) or edge.Filter()))
            else:
                query = edge.Query.Nearest(vector.tolist(), using=space)
                params = dense_params(self.layout, limit, exact)

        own: Any = False if scope.tenant is None else ["tenant"]

        def fetch(most: int) -> list[Scored]:
            with _native("searching"):
                rows = self._shard.query(edge.QueryRequest(limit=most, query=query, filter=keep, params=params, with_payload=own, with_vector=False))
            if scope.tenant is not None:
                for r in rows:
                    scope.check(r.payload)
            return [(str(r.id), r.score) for r in rows]

        return past_ties(fetch, limit)

    def payloads(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the payloads of the ids that exist."""
        if not ids:
            return {}
        with _native("reading"):
            return {str(r.id): r.payload or {} for r in self._shard.retrieve(list(ids), with_payload=True, with_vector=False)}

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
        if (own := compiled(scope, None)) is not None:
            must.append(own)
        offset = None
        while True:
            request = edge.ScrollRequest(offset=offset, limit=1000, filter=edge.Filter(must=must), with_payload=True, with_vector=False)
            with _native("reading"):
                rows, offset = self._shard.scroll(request)
            yield from ((str(r.id), dict(r.payload or {})) for r in rows)
            if offset is None:
                return

    def count(self, kind: str | None = None, scope: Scope | None = None) -> int:
        """Return the exact number of points, of one kind and in a scope where these are given."""
        must: list[Any] = [edge.FieldCondition("kind", match=edge.MatchValue(kind))] if kind else []
        if scope is not None and (own := compiled(scope, None)) is not None:
            must.append(own)
        with _native("counting"):
            return int(self._shard.count(edge.CountRequest(exact=True, filter=edge.Filter(must=must) if must else None)))

    def terms(self, space: str, point: str) -> list[int]:
        """Return the term ids of a point in a sparse space, ascending."""
        with _native("reading"):
            rows = self._shard.retrieve([point], with_payload=False, with_vector=[space])
        vectors: Any = rows[0].vector if rows else None
        return sorted(vectors[space].indices) if isinstance(vectors, dict) and space in vectors else []
