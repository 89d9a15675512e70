"""Brings an index up to date with a corpus: a new sealed generation, patched from the live one, then one swap of the pointer.

Unchanged documents cost no embedding and no write; a corpus without any change makes no generation at all.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag.config import dump
from rag.errors import StoreError
from rag.fingerprint import key
from rag.index.ahead import Ahead, send
from rag.index.commit import Plan, averages, laid, seal
from rag.index.draft import Draft
from rag.index.duplicates import SKETCH_VERSION
from rag.index.engine import Layout
from rag.index.faults import reached
from rag.index.fit import check_fit, laid_out
from rag.index.known import forgotten
from rag.index.lock import lock, sweep
from rag.index.manifest import Manifest, current, point, read_manifest, sync_directory, unfinished, waiting, write_manifest
from rag.index.meta import path as meta_path
from rag.index.pages import PAGE
from rag.index.prepare import Recipe
from rag.index.repeats import mark
from rag.index.report import Report
from rag.index.rows import packed
from rag.index.scan import Changes, Named, Scan, check_mass
from rag.index.spaces import space_name
from rag.index.store import Index
from rag.index.table import NAME, DocumentTable
from rag.loaders.corpus import Failed, Loaded
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.stages import DenseSpace, Space

MAX_FIELDS = 64  # metadata fields with an index of their own


def build(
    path: Path,
    pipeline: Pipeline,
    corpus: Iterable[Loaded | Failed],
    roots: Sequence[Path],
    runtime: Runtime,
    spaces: Sequence[Space] | None = None,
    *,
    allow_mass_delete: bool = False,
    rebuild: bool = False,
) -> Report:
    """Make the index at `path` hold exactly the corpus below `roots`, beside what it holds of other paths.

    `spaces` overrides the vector spaces of `pipeline` (a grid of pipelines shares one index with the union of theirs).
    `rebuild` starts from nothing, whatever is there. Raises `StoreError` when another process builds there, the index was
    built with another chunker or model, or more than a fifth of it would go and `allow_mass_delete` is not set.
    """
    wanted = tuple(dict.fromkeys(pipeline.retrieve.spaces() if spaces is None else spaces))
    recipe = Recipe(pipeline, wanted, runtime, time.time())
    _make(path)
    with lock(path):
        _tidy(path, rebuild, roots)
        base = None if rebuild else current(path)
        if base is None:
            return construct(path, None, corpus, Named(roots), recipe, allow_mass_delete, "CURRENT")
        check_fit(path, read_manifest(base), pipeline, wanted, runtime)
        with Index.open(path, runtime) as old:
            return construct(path, old, corpus, Named(roots), recipe, allow_mass_delete, "CURRENT")


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: cannot be made a directory ({error.strerror}); choose another place for the index") from None


def _tidy(path: Path, rebuild: bool, roots: Sequence[Path]) -> None:
    """Remove what an interrupted build left: under the lock nobody is writing it."""
    try:
        live = current(path)
    except StoreError:
        if not rebuild:
            raise
        (path / "CURRENT").unlink()  # a rebuild replaces what it names, which is not there or not readable
        live = None
    if live is None and not rebuild and (lost := forgotten(path, roots)):
        raise StoreError(f"{path / 'CURRENT'} is missing: {lost}")
    if live is not None and waiting(path) == live:  # a migration was interrupted after its swap
        (path / "NEXT").unlink()
    sweep(path, "" if live is not None else "tmp-")  # sealed ones that lost their pointer stay until there is another


def construct(path: Path, old: Index | None, corpus: Iterable[Loaded | Failed], named: Named, recipe: Recipe, mass: bool, pointer: str) -> Report:
    """Build a generation from `old` and a corpus, sealed and named by `pointer`; the caller holds the lock.

    Nothing is built where nothing changes. `mass` allows that most of it goes.
    """
    report = Report()
    drafts: list[Draft] = []

    def draft() -> Draft:
        if not drafts:
            drafts.append(Draft(path, old.generation if old else None))
        return drafts[0]

    try:
        with Ahead(recipe, report, old is None and recipe.pipeline.index.duplicates == "report") as ahead:
            with report.timed("read and chunk"):
                changes = Scan(_table(old), named, recipe, draft, bool(outdated(old, recipe.pipeline))).read(ahead.during(corpus, drafts))
            report.count(changes, outdated(old, recipe.pipeline))
            if old is not None:
                if not mass:
                    check_mass(changes, len(old.documents), path)
                if not changes and laid_out(old.manifest, recipe) and _same(old, recipe.pipeline, "duplicates", "duplicate_similarity"):
                    return _unchanged(old, recipe.pipeline, report)
            _finish(ahead, old, draft(), changes, recipe, report)
        publish(path, draft(), pointer)
    except BaseException:
        for made in drafts:
            with suppress(Exception):
                made.discard()
        raise
    return report


def _table(old: Index | None) -> DocumentTable | None:
    """Return the table of documents of an index on disk."""
    return old.table if old is not None and isinstance(old.table, DocumentTable) else None


def outdated(old: Index | None, pipeline: Pipeline) -> str:
    """Return why every document has to be written again, changed or not; empty when nothing asks for it."""
    if old is None:
        return ""
    if not _same(old, pipeline, "modified_key"):
        before, now = old.manifest.config["index"].get("modified_key"), pipeline.index.modified_key
        return f"every document that was read was written again: its time comes from index.modified_key {now!r} now, it came from {before!r}"
    if (made := old.manifest.versions.get("sketch")) != str(SKETCH_VERSION):
        return f"every document that was read was written again: the signatures that duplicates are found by are of version {SKETCH_VERSION} now, the index had {made or 'none'}"
    return ""


def _same(old: Index, pipeline: Pipeline, *names: str) -> bool:
    """Whether options of the index are what they were."""
    return all(old.manifest.config["index"].get(n) == getattr(pipeline.index, n) for n in names)


def _unchanged(old: Index, pipeline: Pipeline, report: Report) -> Report:
    """Report what the index holds, and keep the configuration it is asked with from now on."""
    report.hold(_table(old) or DocumentTable(old.generation / NAME), old.manifest.chunks)
    config = dump(pipeline)
    if old.manifest.config != config:
        write_manifest(old.generation, replace(old.manifest, config=config))
    return report


def _finish(ahead: Ahead, old: Index | None, draft: Draft, changes: Changes, recipe: Recipe, report: Report) -> None:
    """Have everything written that was not yet, and the generation sealed."""
    with report.timed("read and chunk"):
        rewritten = mark(draft, old, recipe)
    found = averages(draft.table.terms(), draft.table.tenants(), recipe.spaces)
    layout = laid(recipe, old, draft.table.counts()[0])
    gone = [*changes.updated, *changes.deleted, *rewritten] if old else []
    plan = Plan(sorted((old.documents[i].tenant, i) for i in gone) if old else [], found, old)
    send(ahead, draft, layout, plan, recipe, report)
    with report.timed("optimize and seal"):
        manifest = manifest_of(draft.table, layout, found, recipe)  # while the writer process is at its last frames
        report.hold(draft.table, manifest.chunks)
        draft.close()
        seal(ahead.child, draft, manifest)


def publish(path: Path, draft: Draft, pointer: str) -> None:
    """Give a sealed generation its name, have a pointer name it, and remove those that none names any more."""
    draft.path.rename(draft.final)
    sync_directory(path)
    reached("seal.rename")
    point(path, pointer, draft.final)
    for left in unfinished(path):
        reached("collect.old")
        shutil.rmtree(left, ignore_errors=True)


def manifest_of(table: DocumentTable, layout: Layout, found: dict[str, dict[str, float]], recipe: Recipe) -> Manifest:
    """Return what a generation says about itself, as far as its table of documents tells."""
    pipeline, runtime = recipe.pipeline, recipe.runtime
    spaces: dict[str, dict[str, Any]] = {}
    for space in recipe.spaces:
        name = space_name(space)
        if isinstance(space, DenseSpace):
            extra: dict[str, Any] = {"kind": "dense", "dimension": layout.dense[name], "identity": runtime.encoder(space.model).identity}
        else:
            extra = {"kind": "bm25", "average_length": found[name]}
        spaces[name] = {"spec": repr(space), **extra}
    chunker = runtime.identities(pipeline.chunk)
    chunks, gaps = table.counts()
    typed = {meta_path(name): kind for name, kind in list(table.fields().items())[:MAX_FIELDS]}
    fields = {"doc": "keyword", **({"tenant": "keyword"} if pipeline.index.tenant_key else {}), **typed}
    return Manifest(
        content=key("content", 2, pipeline.chunk_key, chunker, spaces, pipeline.index.modified_key, table.digests()),
        config=dump(pipeline),
        chunk_key=pipeline.chunk_key,
        chunker=chunker,
        spaces=spaces,
        points=chunks + table.pages(PAGE),
        chunks=chunks,
        documents=len(table),
        tenants={t: n for t, n in table.tenants().items() if t},
        hnsw=layout.hnsw,
        quantization=layout.quantization,
        tenant_key=pipeline.index.tenant_key,
        versions={**{p: version(p) for p in ("spanwise", "qdrant-edge-py")}, "sketch": str(SKETCH_VERSION)},
        gaps=gaps,
        times=key("times", table.times()),
        roots=[packed(r) for r in table.roots()],
        over_limit=table.over_limit(),
        fields=fields,
    )
