"""An index on disk: opens its live generation and hands out readers that fit it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import StoreError
from rag.index.engine import Scope
from rag.index.fit import OTHER, check_identity
from rag.index.generation import Opened, open_generation
from rag.index.manifest import REBUILD, current, unfinished
from rag.index.reader import Reader
from rag.index.spaces import space_name
from rag.runtime import Runtime
from rag.stages import DenseSpace
from rag.text import encodable
from rag.types import Span

if TYPE_CHECKING:
    from rag.index.audit import AuditLog
    from rag.index.remote import Server
    from rag.index.table import DocumentRow
    from rag.pipeline import Pipeline

MOST_READERS = 256  # kept open by one index


class Index:
    """One open generation. Use as a context manager, or `close` it."""

    def __init__(self, path: Path | str, generation: Path, opened: Opened, runtime: Runtime, memo: bool, audit: AuditLog | None) -> None:
        """Use `Index.open`."""
        self.path, self.generation, self.runtime = path, generation, runtime
        self.manifest, self.table, self.engine = opened.manifest, opened.table, opened.engine
        self._release, self._memo, self._audit = opened.release, memo, audit
        self._readers: dict[tuple[object, ...], Reader] = {}

    @classmethod
    def _remote(cls, url: str, runtime: Runtime, memo: bool, audit: AuditLog | None) -> Index:
        from rag.index.remote import Server

        server = Server(url)
        try:
            collection = server.live()
            if collection is None:
                raise StoreError(f"{server.options.address}: there is no index; build one with `rag index PATH -c CONFIG -i {url}`")
            return cls.on(server, runtime, collection, server.close, memo, audit)
        except BaseException:
            server.close()
            raise

    @classmethod
    def on(
        cls,
        server: Server,
        runtime: Runtime,
        collection: str,
        release: Callable[[], None] = lambda: None,
        memo: bool = False,
        audit: AuditLog | None = None,
    ) -> Index:
        """Open a collection of an index on a server; closing the index calls `release` and else leaves the connection to its owner."""
        manifest, table, engine = server.open(collection)
        return cls(server.url, Path(collection), Opened(manifest, table, engine, release), runtime, memo, audit)

    @property
    def documents(self) -> Mapping[str, DocumentRow]:
        """The rows of the table of documents by id."""
        return self.table

    @classmethod
    def open(cls, path: str | Path, runtime: Runtime | None = None, memo: bool = False, audit: AuditLog | None = None, generation: Path | None = None) -> Index:
        """Open an index and check that it holds what its manifest says.

        `memo=True` keeps search results under content keys, for evaluation; `audit` has every read written down;
        `generation` opens another one than the live. Raises `StoreError` when there is no index, or it is damaged: every
        file that was touched since it was sealed is read against its digest, points are counted, canaries searched for.
        """
        runtime = runtime or Runtime()
        if isinstance(path, str) and ":" in path:
            from rag.index.server_options import is_server

            if is_server(path):
                return cls._remote(path, runtime, memo, audit)
        path = Path(path)
        if generation is not None:
            return cls(path, generation, open_generation(generation), runtime, memo, audit)
        while True:
            live = current(path) if path.is_dir() else None
            if live is None:
                if path.is_dir() and (left := [p.name for p in unfinished(path) if (p / "manifest.json").exists()]):
                    raise StoreError(f"{path / 'CURRENT'} is missing; write {left[-1]} into it, run `rag index` again, or {REBUILD}")
                raise StoreError(f"{path}: there is no index; build one with `rag index PATH -c CONFIG -i {path}`")
            try:
                return cls(path, live, open_generation(live), runtime, memo, audit)
            except (StoreError, OSError):
                if current(path) == live:
                    raise  # else a build has put a newer one in its place meanwhile

    @cached_property
    def pipeline(self) -> Pipeline:
        """The pipeline the index was built with."""
        from rag.config import parse

        return parse(dict(self.manifest.config))

    def reader(self, pipeline: Pipeline, *, tenant: str | None = None, exact: bool | None = None) -> Reader:
        """Return a reader for a pipeline within a scope; the same one for the same arguments.

        `exact` overrides `index.search` of the pipeline: True compares every vector, False uses the graph and the quantized vectors where there are any.
        Raises `StoreError` when the pipeline needs other chunks, spaces or models than are here, or the tenant is missing.
        """
        scope = self._scope(tenant)
        if exact is None:
            exact = pipeline.index.search == "exact" or not (self.manifest.hnsw or self.manifest.quantization != "none")
        at = (pipeline.chunk_key, pipeline.retrieve.spaces(), scope, exact)
        found = self._readers.get(at)
        if found is None:  # one that is kept was made for a pipeline with the same chunks and spaces, and so with the same models
            self._check(pipeline)
            if len(self._readers) >= MOST_READERS:  # one for each tenant that was asked for
                self._readers.clear()
            found = Reader(self.engine, self.manifest, self.documents, self.runtime, scope, exact, self._memo, self._audit, self.generation.name)
            self._readers[at] = found
        return found

    def _scope(self, tenant: str | None) -> Scope:
        name = self.manifest.tenant_key
        if name is None and tenant is not None:
            raise StoreError(f"{self.path} has no tenants; leave the tenant out or index with index.tenant_key")
        if name is not None and (not isinstance(tenant, str) or not tenant.strip()):
            raise StoreError(f"{self.path} keeps tenants apart by {name!r}: name one with --tenant")
        if tenant is not None and ("\0" in tenant or encodable(tenant) != tenant):
            raise StoreError(f"{self.path}: a tenant whose name holds a NUL character or half a surrogate pair cannot be; name another")
        return Scope(tenant)

    def _check(self, pipeline: Pipeline) -> None:
        if pipeline.chunk_key != self.manifest.chunk_key:
            raise StoreError(f"{self.path} was cut by {self.pipeline.chunk}, the configuration says {pipeline.chunk}; {OTHER}")
        for space in pipeline.retrieve.spaces():
            found = self.manifest.spaces.get(space_name(space))
            if found is None:
                built = ", ".join(str(s["spec"]) for s in self.manifest.spaces.values())
                raise StoreError(f"{self.path} has no {space}; it was built with {built or 'none'}; {OTHER}")
            if isinstance(space, DenseSpace):
                check_identity(self.path, found["identity"], self.runtime.encoder(space.model).identity)

    def stored_texts(self, ids: Sequence[str]) -> dict[str, str]:
        """Return whole stored texts by document id, across tenants: for building, never for answering."""
        found = {}
        for i in ids:
            row = self.documents[i]
            whole = Reader(self.engine, self.manifest, {i: row}, self.runtime, Scope(), True, False)
            found[i] = whole.text(Span(i, 0, row.length))
        return found

    def close(self) -> None:
        """Release the generation."""
        self._release()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
