"""The engine on a Qdrant server or cluster, by URL: the same collection and the same answers as the one in this process.

Held against the in-memory mode of qdrant-client by the conformance suite, and, for what goes over the wire, against a
double that speaks a little of Qdrant's REST. With `RAG_TEST_QDRANT_URL` the suite runs against a real server; none was
at hand when this was written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from rag.errors import StoreError
from rag.filters import Filter
from rag.index.engine import Layout, Scope, Scored
from rag.index.gate import PointRecord, Sparse, validate
from rag.index.manifest import REBUILD
from rag.index.server_batch import batches, point_bytes
from rag.index.server_call import Caller
from rag.index.server_connect import connect
from rag.index.server_filter import compiled, match, tenant_filter
from rag.index.server_layout import check_layout, check_version, dense_params, field_schema, make, sparse_params
from rag.index.server_options import ServerOptions
from rag.index.ties import past_ties

_READ, _IDS, _PAGE = 256, 1000, 256  # points of one read, ids of one deletion, points of one page of a scroll
_ORDER = models.WriteOrdering.MEDIUM  # one leader per shard orders writes, so a repeated one cannot overtake a later one


class ServerEngine:
    """One collection. A write returns when it is applied; every request may be repeated, since ids are chosen by us."""

    def __init__(self, client: QdrantClient, options: ServerOptions, layout: Layout, call: Caller) -> None:
        """Wrap a connection; use `create`, `load` or `in_memory`."""
        self.options, self.layout = options, layout
        self._client, self._call, self._name = client, call, options.collection

    @classmethod
    def create(cls, options: ServerOptions, layout: Layout) -> ServerEngine:
        """Make an empty collection. Raises `StoreError` when one of that name holds points or has another layout."""
        client, call = connect(options)
        call("asking for the version", lambda: check_version(client, options.address))
        return cls(client, options, layout, call).made()

    @classmethod
    def load(cls, options: ServerOptions, layout: Layout) -> ServerEngine:
        """Open a collection or alias. Raises `StoreError` when it is missing or has another layout."""
        client, call = connect(options)
        call("asking for the version", lambda: check_version(client, options.address))
        engine = cls(client, options, layout, call)
        engine.check()
        return engine

    @classmethod
    def in_memory(cls, layout: Layout) -> ServerEngine:
        """Return an engine in this process that forgets everything at `close`: for tests, with few points."""
        options = ServerOptions("http://localhost", "memory", retries=0)
        return cls(QdrantClient(":memory:"), options, layout, Caller("in memory", 0, local=True)).made()

    def made(self) -> ServerEngine:
        """Make the collection, empty. Raises `StoreError` when one of that name holds points or has another layout."""
        self._call("making the collection", lambda: make(self._client, self.options, self.layout))
        self.check()
        if (held := self.count()) > 0:
            raise StoreError(f"{self.options.address}: the collection is not empty ({held} points); name another, or drop it first")
        return self

    def check(self) -> None:
        """Raise `StoreError` when the collection is missing, damaged or has another layout."""
        check_layout(self._call("opening the collection", lambda: self._client.get_collection(self._name)), self.layout, self.options.address)

    def write(self, points: Sequence[PointRecord]) -> None:
        """Add or replace points; every one passes the gate before the first is sent. A failure says how many are in."""
        for p in points:
            validate(p, self.layout.dense, self.layout.sparse)
        done = 0
        for batch in batches(points, point_bytes):
            native = [_native(p) for p in batch]
            doing = f"writing ({done} of {len(points)} points are in; writing them again is safe)"
            self._update(doing, partial(self._client.upsert, self._name, native, wait=True, ordering=_ORDER))
            done += len(batch)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete points by id; ids that are not there are left alone."""
        for part in _parts(ids, _IDS):
            which = models.PointIdsList(points=list(part))
            self._update("deleting", partial(self._client.delete, self._name, which, wait=True, ordering=_ORDER))

    def points_of(self, tenant: str, doc_id: str) -> list[str]:
        """Return the ids of all points of a document, in order; an empty tenant means points of none."""
        none: Any = models.IsEmptyCondition(is_empty=models.PayloadField(key="tenant"))
        must = [match("tenant", tenant) if tenant else none, match("doc", doc_id)]
        return [str(r.id) for r in self._scroll(models.Filter(must=must), payload=False)]

    def reweigh(self, space: str, weights: Mapping[str, Sparse | None]) -> None:
        """Replace one sparse vector of points that exist, None to remove it. Raises `StoreError` for a point that does not."""
        for i, sparse in weights.items():
            validate(PointRecord(i, {}, {} if sparse is None else {space: sparse}, {}), self.layout.dense, self.layout.sparse)
        self._known(space, self.layout.sparse)
        kept = [(i, s) for i, s in weights.items() if s is not None]
        for part in batches(kept, lambda pair: 100 + 40 * len(pair[1].indices)):
            native = [models.PointVectors(id=i, vector={space: _sparse(s)}) for i, s in part]
            self._update("reweighing", partial(self._client.update_vectors, self._name, native, wait=True, ordering=_ORDER))
        for gone in _parts([i for i, s in weights.items() if s is None], _IDS):
            which = models.PointIdsList(points=list(gone))
            self._update("reweighing", partial(self._client.delete_vectors, self._name, [space], which, wait=True, ordering=_ORDER))

    def index_payload(self, keys: Mapping[str, str]) -> None:
        """Have payload indexes on these keys and no others."""
        schemas = {name: field_schema(name, kind) for name, kind in keys.items()}
        held = self._call("indexing metadata", partial(self._client.get_collection, self._name)).payload_schema
        for name in sorted(held.keys() - keys.keys()):
            self._update("indexing metadata", partial(self._client.delete_payload_index, self._name, name, wait=True))
        for name, schema in schemas.items():
            if name in held and held[name].data_type == keys[name]:
                continue
            self._update("indexing metadata", partial(self._client.create_payload_index, self._name, name, schema, wait=True))

    def finish(self) -> None:
        """See that the collection is sound, and close. A server optimises in the background; searches are right meanwhile."""
        self.check()
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._call("closing", self._client.close)

    def nearest(self, space: str, vector: NDArray[np.float32] | Sparse, limit: int, scope: Scope, where: Filter | None, exact: bool) -> list[Scored]:
        """Return ids and scores by (-score, id); ties at the limit are resolved by fetching past them."""
        keep = compiled(scope, where)
        self._known(space, self.layout.sparse if isinstance(vector, Sparse) else self.layout.dense)
        if isinstance(vector, Sparse):
            query: Any = _sparse(vector)
            params = sparse_params(tenant_filter(scope))
        else:
            query = vector.tolist()
            params = dense_params(self.options, self.layout, limit, exact)

        own: Any = False if scope.tenant is None else ["tenant"]

        def fetch(most: int) -> list[Scored]:
            search = partial(self._client.query_points, self._name, query, using=space, query_filter=keep, search_params=params)
            found = self._call("searching", partial(search, limit=most, with_payload=own, with_vectors=False))
            for p in found.points:
                scope.check(p.payload)
            return [(str(p.id), float(p.score)) for p in found.points]

        return past_ties(fetch, limit)

    def payloads(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the payloads of the ids that exist."""
        return {str(r.id): dict(r.payload or {}) for r in self._retrieve(ids, None)}

    def vectors(self, space: str, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors of the ids that have one in a dense space."""
        self._known(space, self.layout.dense)
        rows = self._retrieve(ids, space)
        return {str(r.id): np.asarray(r.vector[space], dtype=np.float32) for r in rows if isinstance(r.vector, dict) and space in r.vector}

    def scroll(self, kind: str, scope: Scope) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every point of a kind by id."""
        must: list[Any] = [c for c in (tenant_filter(scope),) if c is not None]
        must.append(match("kind", kind))
        yield from ((str(r.id), dict(r.payload or {})) for r in self._scroll(models.Filter(must=must), payload=True))

    def count(self, kind: str | None = None, scope: Scope | None = None) -> int:
        """Return the exact number of points, of one kind and in a scope where these are given."""
        must: list[Any] = [c for c in (tenant_filter(scope or Scope()),) if c is not None]
        if kind:
            must.append(match("kind", kind))
        keep = models.Filter(must=must) if must else None
        return self._call("counting", partial(self._client.count, self._name, keep, exact=True)).count

    def terms(self, space: str, point: str) -> list[int]:
        """Return the term ids of a point in a sparse space, ascending; none where it has no vector there."""
        self._known(space, self.layout.sparse)
        vectors = [r.vector[space] for r in self._retrieve([point], space) if isinstance(r.vector, dict) and space in r.vector]
        return sorted(i for v in vectors if isinstance(v, models.SparseVector) for i in v.indices)

    def _known(self, space: str, spaces: Collection[str]) -> None:
        if space not in spaces:  # in memory, some reads would pass over it in silence
            raise StoreError(f"{self.options.address}: no vector space {space!r} of this kind; {REBUILD}")

    def _update(self, doing: str, action: Callable[[], models.UpdateResult]) -> None:
        status = self._call(doing, action).status
        if status != models.UpdateStatus.COMPLETED:
            raise StoreError(f"{self.options.address}: {doing}: the server took the change but did not apply it ({status}); raise &timeout= and run again")

    def _scroll(self, keep: models.Filter, payload: bool) -> Iterator[models.Record]:
        """Yield matching points by id. Raises `StoreError` when pages overlap or go back: one would then be lost or twice."""
        offset, last = None, ""
        while True:
            page = partial(self._client.scroll, self._name, keep, limit=_PAGE, offset=offset, with_payload=payload, with_vectors=False)
            rows, offset = self._call("reading", page)
            for row in rows:
                if str(row.id) <= last:
                    raise StoreError(f"{self.options.address}: the server returned points out of order; see that its shards agree, and run again")
                last = str(row.id)
                yield row
            if offset is None:
                return

    def _retrieve(self, ids: Sequence[str], space: str | None) -> Iterator[models.Record]:
        """Yield the points of some ids, with their payload or, of those that have it, one vector. A short answer is checked."""
        for part in _parts(ids, _READ):
            read = partial(self._client.retrieve, self._name, part, with_payload=space is None, with_vectors=[space] if space is not None else False)
            rows = self._call("reading", read)
            found = {str(r.id) for r in rows if space is None or (isinstance(r.vector, dict) and space in r.vector)}
            if missing := sorted(set(part) - found):
                self._are_absent(missing, space)
            yield from rows

    def _are_absent(self, ids: list[str], space: str | None) -> None:
        must: list[Any] = [models.HasIdCondition(has_id=list(ids))]
        if space is not None:
            must.append(models.HasVectorCondition(has_vector=space))
        held = self._call("reading", partial(self._client.count, self._name, models.Filter(must=must), exact=True)).count
        if held:
            raise StoreError(f"{self.options.address}: the server left out {held} points that it holds; see that all its shards are up, and run again")


def _parts(ids: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return (ids[at : at + most] for at in range(0, len(ids), most))


def _sparse(weights: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=list(weights.indices), values=list(weights.values))


def _native(point: PointRecord) -> models.PointStruct:
    vectors: dict[str, Any] = {n: v.tolist() for n, v in point.dense.items()}
    vectors.update({n: _sparse(s) for n, s in point.sparse.items()})
    return models.PointStruct(id=point.id, vector=vectors, payload=dict(point.payload))
