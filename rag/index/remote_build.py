"""Brings an index on a server up to date, document by document in place: what is acknowledged is there, what was cut off is written again.

A document is marked as being written, its points are sent, its old ones removed, and only then is it marked as it is. So a
build that was killed at any moment is made good by the next one. Readers may meet new and old documents side by side.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from rag.config import dump
from rag.errors import StoreError
from rag.index.build import manifest_of
from rag.index.commit import Averages, averages, windows, write_window
from rag.index.draft import Draft
from rag.index.engine import Engine, Layout, Scope
from rag.index.fit import check_fit
from rag.index.frames import points, take
from rag.index.gate import Sparse
from rag.index.prepare import Prepared, Recipe, index_text
from rag.index.remote import Server
from rag.index.remote_table import PENDING, RemoteTable, manifest_points, read_row, row_id, row_point
from rag.index.repeats import mark
from rag.index.report import Report
from rag.index.scan import Changes, Named, Scan, check_mass
from rag.index.spaces import bm25_weights, space_name
from rag.index.store import Index
from rag.index.table import NAME, DocumentRow, DocumentTable, Facts
from rag.loaders.corpus import Failed, Loaded
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.stages import DenseSpace, SparseSpace
from rag.text import analyzer

def build_remote(
    server: Server,
    pipeline: Pipeline,
    corpus: Iterable[Loaded | Failed],
    roots: Sequence[Path],
    runtime: Runtime,
    *,
    allow_mass_delete: bool = False,
    rebuild: bool = False,
) -> Report:
    """Make the index on a server hold exactly the corpus below `roots`, beside what it holds of other paths.

    Raises what `rag.index.build.build` raises. One build at a time: a server has no lock to see to that.
    """
    recipe = Recipe(pipeline, tuple(dict.fromkeys(pipeline.retrieve.spaces())), runtime, time.time())
    collection = server.live()
    if rebuild:
        new = server.unused()
        report = fill(server, new, None, corpus, Named(roots), recipe, True)
        server.admin.swap_alias(server.options.collection, new)
        for left in server.left():
            server.admin.drop_collection(left)
        return report
    if collection is None:  # an empty index first, so that a long first build that is cut off goes on where it was
        collection = server.unused()
        fill(server, collection, None, [], Named(roots), recipe, True)
        server.admin.swap_alias(server.options.collection, collection)
    with Index.on(server, runtime, collection) as old:
        check_fit(server.options.address, old.manifest, pipeline, recipe.spaces, runtime)
        return fill(server, collection, old, corpus, Named(roots), recipe, allow_mass_delete)


def fill(server: Server, collection: str, old: Index | None, corpus: Iterable[Loaded | Failed], named: Named, recipe: Recipe, mass: bool) -> Report:
    """Bring one collection up to date; it is made where `old` is None."""
    report = Report()
    with tempfile.TemporaryDirectory(prefix="spanwise-") as folder:
        base = _base(Path(folder), old)
        draft = Draft(Path(folder), base)
        known = DocumentTable(base / NAME) if base else None
        try:
            with report.timed("read and chunk"):
                renew = old is not None and old.manifest.config["index"].get("modified_key") != recipe.pipeline.index.modified_key
                changes = Scan(known, named, recipe, lambda: draft, renew).read(corpus)
                if known is not None and not mass:
                    check_mass(changes, len(known), server.options.address)
                noted = dict(_duplicates(draft))
                mark(draft, old, recipe)
            report.count(changes)
            engine = _engine(server, collection, old, recipe, draft)
            _commit(engine, draft, changes, known, noted, recipe, report)
            draft.table.commit()
            _seal(engine, draft.table, recipe, old)
            report.hold(draft.table, draft.table.counts()[0])
        finally:
            if known is not None:
                known.close()
            draft.discard()
    return report


def _base(folder: Path, old: Index | None) -> Path | None:
    """Return a folder with a copy of the table of documents, None where there is no index yet."""
    if old is None or not isinstance(old.table, RemoteTable):
        return None
    base = folder / "gen-000001"
    base.mkdir()
    with DocumentTable(base / NAME, writable=True) as table:
        old.table.copy_to(table)
        table.commit()
    return base


def _duplicates(draft: Draft) -> Iterable[tuple[str, str]]:
    return ((i, of) for i, of, _ in draft.table.duplicates())


def _engine(server: Server, collection: str, old: Index | None, recipe: Recipe, draft: Draft) -> Engine:
    if old is not None:
        return old.engine
    dense = {space_name(s): int(recipe.runtime.embed(s.model, ["dimension"], s.prefix, label="").shape[1]) for s in recipe.spaces if isinstance(s, DenseSpace)}
    sparse = tuple(space_name(s) for s in recipe.spaces if isinstance(s, SparseSpace))
    engine = server.create(collection, Layout(dense, sparse, recipe.pipeline.index.search != "exact"))
    engine.index_payload({"kind": "keyword", "doc": "keyword", **({"tenant": "keyword"} if recipe.pipeline.index.tenant_key else {})})
    return engine


class Sink:
    """Takes the frames that a writer process would get, and hands them to an engine."""

    def __init__(self, engine: Engine) -> None:
        """Write through an engine."""
        self._engine = engine
        self.written: dict[str, set[str]] = {}

    def send(self, write: Callable[[BinaryIO], None]) -> None:
        """Take one frame."""
        stream = io.BytesIO()
        write(stream)
        stream.seek(0)
        frame = take(stream)
        if frame is not None:
            self.order("write", *frame)

    def order(self, do: str, header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
        """Write the points of a frame."""
        if do != "write":
            raise StoreError(f"{do} is nothing a server is sent")
        made = points(header, blobs)
        self._engine.write(made)
        for p in made:
            self.written.setdefault(str(p.payload["doc"]), set()).add(p.id)


def _commit(engine: Engine, draft: Draft, changes: Changes, known: DocumentTable | None, noted: Mapping[str, str], recipe: Recipe, report: Report) -> None:
    found = averages(draft.table, recipe.spaces)
    with report.timed("write"):
        for doc_id in changes.deleted:
            _remove(engine, known[doc_id] if known else None)
        with recipe.runtime.progress("embed and write", len(draft.added)) as advance:
            for window in windows(draft):
                _window(engine, window, known, found, recipe, report)
                advance(len(window))
        for doc_id, of in {**{i: "" for i in noted}, **dict(_duplicates(draft))}.items():
            if doc_id not in draft.added and noted.get(doc_id, "") != of and doc_id in draft.table:
                _note(engine, draft.table[doc_id])
        _reweigh(engine, draft, found, recipe)


def _own(found: Averages, tenant: str) -> dict[str, float]:
    return {name: by_tenant[tenant] for name, by_tenant in found.items()}


def _window(engine: Engine, window: Sequence[Prepared], known: DocumentTable | None, found: Averages, recipe: Recipe, report: Report) -> None:
    """Write documents: marked as pending, then their points, then without their old points, then as they are."""
    engine.write([row_point(replace(d.row, digest=PENDING), d.facts, _own(found, d.row.tenant)) for d in window])
    sink = Sink(engine)
    write_window(sink, window, found, recipe, report)
    for d in window:
        before = known.get(d.row.id) if known is not None else None
        tenants = {d.row.tenant} | ({before.tenant} if before else set())
        stale = {i for t in tenants for i in engine.points_of(t, d.row.id)} - sink.written.get(d.row.id, set())
        engine.delete(sorted(stale))
    facts = [Facts() if not d.row.chunks else d.facts for d in window]
    engine.write([row_point(d.row, f, _own(found, d.row.tenant)) for d, f in zip(window, facts, strict=True)])


def _remove(engine: Engine, row: DocumentRow | None) -> None:
    """Remove a document: first it is marked, so that a build that is cut off here does not leave half of it as whole."""
    if row is None:
        return
    engine.write([row_point(replace(row, digest=PENDING), Facts(), {})])
    engine.delete(engine.points_of(row.tenant, row.id))
    engine.delete([row_id(row.id)])


def _note(engine: Engine, row: DocumentRow) -> None:
    """Write a row anew whose points stay."""
    payload = engine.payloads([row_id(row.id)])[row_id(row.id)]
    _, facts, own = read_row(payload)
    engine.write([row_point(row, facts, own)])


def _reweigh(engine: Engine, draft: Draft, found: Averages, recipe: Recipe) -> None:
    """Give new weights to the chunks of every document whose row says that they were computed with other averages."""
    for _, payload in engine.scroll("document", Scope()):
        row, facts, before = read_row(payload)
        if row.digest == PENDING or row.tenant not in next(iter(found.values()), {row.tenant: 1.0}):
            continue
        own = _own(found, row.tenant)
        if before == own:
            continue
        stored = engine.payloads(engine.points_of(row.tenant, row.id))
        pages = sorted((p for p in stored.values() if p["kind"] == "page"), key=lambda p: int(p["page"]))
        text = "".join(p["text"] for p in pages)
        chunks = {i: index_text(p, row.title, text) for i, p in stored.items() if p["kind"] == "chunk"}
        for space in recipe.spaces:
            if isinstance(space, SparseSpace):
                engine.reweigh(space_name(space), {i: _weights(t, space, own[space_name(space)]) for i, t in chunks.items()})
        engine.write([row_point(row, facts, own)])
        recipe.runtime.work.writes += len(chunks)


def _weights(text: str, space: SparseSpace, average: float) -> Sparse | None:
    counts = analyzer(space.language).counts(text)
    if not counts:
        return None
    times = np.fromiter(counts.values(), dtype=np.uint32)
    return Sparse(tuple(counts), tuple(bm25_weights([len(counts)], times, space, average).tolist()))


def _seal(engine: Engine, table: DocumentTable, recipe: Recipe, old: Index | None) -> None:
    """Write the manifest; indexes on metadata follow what it says."""
    layout = engine.layout
    manifest = manifest_of(table, layout, averages(table, recipe.spaces), recipe)
    manifest = replace(manifest, fields={"kind": "keyword", **manifest.fields})
    if old is None or old.manifest.fields != manifest.fields:
        engine.index_payload(manifest.fields)
    if old is None or old.manifest != manifest.sealed() or old.manifest.config != dump(recipe.pipeline):
        engine.write(manifest_points(manifest))

