"""Brings an index on a server up to date, document by document in place: what is acknowledged is there, what was cut off is written again.

A build that was killed at any moment is made good by the next one; see `rag.index.remote_write` for the order of things. Readers may
meet new and old documents side by side, and never one that is being written.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rag.config import dump
from rag.index.build import manifest_of, outdated
from rag.index.commit import averages, windows
from rag.index.draft import Draft
from rag.index.engine import Engine, Layout
from rag.index.fit import check_fit, graph
from rag.index.prepare import Recipe
from rag.index.remote import Server
from rag.index.remote_manifest import write_manifest
from rag.index.remote_table import Copied, RemoteTable, check_row
from rag.index.remote_turn import Turn
from rag.index.remote_write import Writer
from rag.index.repeats import mark
from rag.index.report import Report
from rag.index.scan import Changes, Named, Scan, check_mass
from rag.index.spaces import space_name
from rag.index.store import Index
from rag.index.table import NAME, DocumentRow, DocumentTable
from rag.loaders.corpus import Failed, Loaded
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.stages import DenseSpace, SparseSpace

STUCK = "a build was cut off while it wrote this document, and it was not read this time: it is not in the index until its folder is indexed again"


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

    Raises what `rag.index.build.build` raises. A server has no lock: of two builds at once one stops with a `StoreError`.
    """
    recipe = recipe_of(pipeline, runtime)
    collection = server.owned()
    if rebuild:
        new = server.unused()
        report = fill(server, new, None, corpus, Named(roots), recipe, True)
        server.point(server.options.collection, new)
        server.sweep()
        return report
    if collection is None:
        collection = begin(server, server.options.collection, recipe)
    with Index.on(server, runtime, collection) as old:
        check_fit(server.options.address, old.manifest, pipeline, recipe.spaces, runtime)
        return fill(server, collection, old, corpus, Named(roots), recipe, allow_mass_delete)


def recipe_of(pipeline: Pipeline, runtime: Runtime) -> Recipe:
    """Return how a pipeline makes points of documents for a server."""
    return Recipe(pipeline, tuple(dict.fromkeys(pipeline.retrieve.spaces())), runtime, time.time(), check_row)


def begin(server: Server, alias: str, recipe: Recipe) -> str:
    """Make an empty index and have an alias name it: a long build that is cut off then goes on where it was."""
    server.sweep()
    collection = server.unused()
    fill(server, collection, None, [], Named([]), recipe, True)
    server.point(alias, collection)
    return collection


def fill(server: Server, collection: str, old: Index | None, corpus: Iterable[Loaded | Failed], named: Named, recipe: Recipe, mass: bool) -> Report:
    """Bring one collection up to date; it is made where `old` is None."""
    report = Report()
    turn = Turn(old.engine, server.options.address) if old is not None else None
    with tempfile.TemporaryDirectory(prefix="spanwise-") as folder:
        base, copied = _base(Path(folder), old)
        draft = Draft(Path(folder), base)
        known = DocumentTable(base / NAME) if base else None
        try:
            with report.timed("read and chunk"):
                changes = _read(draft, known, old, corpus, named, recipe)
                if known is not None and not mass:
                    check_mass(changes, len(known), server.options.address)
                stuck = [r for i, r in copied.pending.items() if i not in draft.added and i not in changes.deleted]
                draft.table.remove([r.id for r in stuck])
                mark(draft, old, recipe)
            report.count(changes, outdated(old, recipe.pipeline))
            report.failed += [Failed(r.id, STUCK, Path(r.root)) for r in stuck if r.id not in {f.doc_id for f in report.failed}]
            engine = old.engine if old is not None else _engine(server, collection, recipe)
            if turn is None:
                turn = Turn(engine, server.options.address)
            writer = Writer(engine, turn, recipe, averages(draft.table.terms(), draft.table.tenants(), recipe.spaces))
            with report.timed("write"):
                writer.empty(stuck)
                _commit(writer, draft, changes, known, copied, recipe, report)
                draft.table.commit()
                writer.settle(draft.table, server.options.address)
                _seal(engine, turn, draft.table, recipe, old)
            report.hold(draft.table, draft.table.counts()[0])
        finally:
            if known is not None:
                known.close()
            draft.discard()
    return report


def _base(folder: Path, old: Index | None) -> tuple[Path | None, Copied]:
    """Return a folder with a copy of the table of documents, None where there is no index yet."""
    if old is None or not isinstance(old.table, RemoteTable):
        return None, Copied()
    base = folder / "gen-000001"
    base.mkdir()
    with DocumentTable(base / NAME, writable=True) as table:
        copied = old.table.copy_to(table)
        table.commit()
    return base, copied


def _read(draft: Draft, known: DocumentTable | None, old: Index | None, corpus: Iterable[Loaded | Failed], named: Named, recipe: Recipe) -> Changes:
    return Scan(known, named, recipe, lambda: draft, bool(outdated(old, recipe.pipeline))).read(corpus)


def _engine(server: Server, collection: str, recipe: Recipe) -> Engine:
    """Make a collection; it gets its mark before anything else, so that it is known for ours should this be cut off."""
    dense = {space_name(s): int(recipe.runtime.embed(s.model, ["dimension"], s.prefix, label="").shape[1]) for s in recipe.spaces if isinstance(s, DenseSpace)}
    sparse = tuple(space_name(s) for s in recipe.spaces if isinstance(s, SparseSpace))
    engine = server.create(collection, Layout(dense, sparse, recipe.pipeline.index.search != "exact"))
    Turn(engine, server.options.address).keep()
    # Before the first points: what is indexed late is slow on a server.
    engine.index_payload({"kind": "keyword", "doc": "keyword", **({"tenant": "keyword"} if recipe.pipeline.index.tenant_key else {})})
    return engine


def _commit(writer: Writer, draft: Draft, changes: Changes, known: DocumentTable | None, copied: Copied, recipe: Recipe, report: Report) -> None:
    """Write what is new before what is gone goes: who asks meanwhile finds a document that moved twice rather than not at all."""
    with recipe.runtime.progress("embed and write", len(draft.added)) as advance:
        for window in windows(draft):
            # The spool was written before duplicates were found: what rows say of them is in the table.
            writer.window(window, [draft.table[d.id] for d in window], known, report)
            advance(len(window))
    if known is None:
        return
    writer.remove([known[i] for i in changes.deleted])
    writer.note(list(_noted(draft, known)))
    kept = ((i, tenant, before) for i, (tenant, before) in copied.averages.items() if i not in draft.added)
    old = [i for i, tenant, before in kept if before != writer.own(tenant)]
    writer.reweigh([row for i in old if (row := draft.table.get(i)) is not None])


def _noted(draft: Draft, known: DocumentTable) -> Iterator[DocumentRow]:
    """Yield the rows that are not as they were, of documents that are not written anew: they lie in another file, or repeat another document."""
    before = known.rows()
    for row in draft.table.rows():
        if row.id not in draft.added and row != next(r for r in before if r.id == row.id):
            yield row


def _seal(engine: Engine, turn: Turn, table: DocumentTable, recipe: Recipe, old: Index | None) -> None:
    """Write the manifest; indexes on metadata follow what it says."""
    layout = replace(engine.layout, hnsw=graph(recipe, table.counts()[0]))
    manifest = manifest_of(table, layout, averages(table.terms(), table.tenants(), recipe.spaces), recipe)
    manifest = replace(manifest, fields={"kind": "keyword", **manifest.fields})
    engine.index_payload(manifest.fields)
    if old is None or old.manifest != manifest.sealed() or old.manifest.config != dump(recipe.pipeline):
        turn.keep()
        write_manifest(engine, manifest)
        turn.done()
