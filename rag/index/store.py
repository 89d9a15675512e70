"""An index on disk: opens its live generation and hands out readers that fit it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import StoreError
from rag.index.edge import EdgeEngine
from rag.index.engine import Layout, Scope
from rag.index.manifest import REBUILD, DocumentRow, Manifest, current, read_documents, read_manifest
from rag.index.reader import Reader
from rag.index.spaces import space_name
from rag.runtime import Runtime
from rag.stages import DenseSpace, Space
from rag.types import Span

if TYPE_CHECKING:
    from rag.pipeline import Pipeline


class Index:
    """One open generation. Use as a context manager, or `close` it."""

    def __init__(
        self, path: Path, generation: Path, manifest: Manifest, documents: dict[str, DocumentRow], engine: EdgeEngine, runtime: Runtime, memo: bool
    ) -> None:
        """Use `Index.open`. `documents` is the table of documents by id."""
        self.path, self.generation, self.manifest, self.documents, self.runtime = path, generation, manifest, documents, runtime
        self.engine, self._memo = engine, memo
        self._readers: dict[tuple[object, ...], Reader] = {}

    @classmethod
    def open(cls, path: str | Path, runtime: Runtime | None = None, memo: bool = False) -> Index:
        """Open an index and check that it holds what its manifest says.

        `memo=True` keeps search results under content keys, for evaluation. Raises `StoreError` when there is no
        index, or it is damaged, or it is not the number of points it should be.
        """
        path = Path(path)
        while True:
            generation = current(path) if path.is_dir() else None
            if generation is None:
                raise StoreError(f"{path}: there is no index; build one with `rag index PATH -c CONFIG -i {path}`")
            try:
                return cls._open(path, generation, runtime or Runtime(), memo)
            except StoreError:
                if current(path) == generation:
                    raise  # else a build has put a newer one in its place meanwhile

    @classmethod
    def _open(cls, path: Path, generation: Path, runtime: Runtime, memo: bool) -> Index:
        if not os.access(generation, os.W_OK):
            raise StoreError(f"{generation}: the engine needs write permission even to read; copy the index to a writable directory")
        manifest = read_manifest(generation)
        documents = read_documents(generation, manifest.documents)
        engine = EdgeEngine.load(generation / "shard", layout(manifest))
        if (count := engine.count()) != manifest.points:
            engine.close()
            raise StoreError(f"{generation}: holds {count} points, its manifest says {manifest.points}; it is damaged: {REBUILD}")
        return cls(path, generation, manifest, documents, engine, runtime, memo)

    @cached_property
    def pipeline(self) -> Pipeline:
        """The pipeline the index was built with."""
        from rag.config import parse

        return parse(dict(self.manifest.config))

    def reader(self, pipeline: Pipeline, *, tenant: str | None = None, exact: bool | None = None) -> Reader:
        """Return a reader for a pipeline within a scope; the same one for the same arguments.

        `exact` overrides `index.search` of the pipeline: True compares every vector, False uses the graph where there is one.
        Raises `StoreError` when the pipeline needs other chunks, spaces or models than are here, or the tenant is missing.
        """
        scope = self._scope(tenant)
        self._check(pipeline)
        if exact is None:
            exact = pipeline.index.search == "exact" or not self.manifest.hnsw
        at = (pipeline.chunk_key, tuple(pipeline.retrieve.spaces()), scope, exact)
        if at not in self._readers:
            self._readers[at] = Reader(self.engine, self.manifest, self.documents, self.runtime, scope, exact, self._memo)
        return self._readers[at]

    def _scope(self, tenant: str | None) -> Scope:
        name = self.manifest.tenant_key
        if name is None and tenant is not None:
            raise StoreError(f"{self.path} has no tenants; leave the tenant out or index with index.tenant_key")
        if name is not None and not tenant:
            raise StoreError(f"{self.path} keeps tenants apart by {name!r}: name one with --tenant")
        return Scope(tenant)

    def _check(self, pipeline: Pipeline) -> None:
        if pipeline.chunk_key != self.manifest.chunk_key:
            raise StoreError(
                f"{self.path} was cut by {self.pipeline.chunk}, the configuration says {pipeline.chunk}; use the same chunk: or build another index"
            )
        for space in pipeline.retrieve.spaces():
            found = self.manifest.spaces.get(space_name(space))
            if found is None:
                raise StoreError(f"{self.path} has no {space}; it was built for another retrieve: stage, build another index for this one")
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
        self.engine.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_identity(path: Path, built: dict[str, Any], asked: dict[str, Any]) -> None:
    """Raise `StoreError` with both names when vectors of one model would meet vectors of another."""
    wrong = [k for k in sorted({*built, *asked} - {"precision"}) if built.get(k) != asked.get(k)]  # precisions may meet: see `native_precision`
    if wrong:
        differs = ", ".join(f"{k} {built.get(k)!r} against {asked.get(k)!r}" for k in wrong)
        raise StoreError(
            f"{path} was embedded with {built['name']}, the configuration asks for {asked['name']} ({differs}); use the same model or build another index"
        )


def layout(manifest: Manifest) -> Layout:
    """Return the layout of a generation's collection."""
    dense = {n: int(s["dimension"]) for n, s in manifest.spaces.items() if s["kind"] == "dense"}
    return Layout(dense, tuple(n for n, s in manifest.spaces.items() if s["kind"] == "bm25"), manifest.hnsw)


def described(space: Space) -> str:
    """Return the kind of a space as the manifest spells it."""
    return "dense" if isinstance(space, DenseSpace) else "bm25"
