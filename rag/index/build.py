"""Brings an index up to date with a corpus: a new sealed generation, then one swap of the pointer.

Unchanged documents cost no embedding (vectors come from the memo); a corpus without any change costs no write at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag.config import dump
from rag.errors import StoreError
from rag.fingerprint import key
from rag.index.collect import Batch, collect, cut_all
from rag.index.compare import compare
from rag.index.edge import EdgeEngine
from rag.index.engine import Layout
from rag.index.lock import lock
from rag.index.manifest import (
    DocumentRow,
    Manifest,
    current,
    read_documents,
    read_manifest,
    sync_directory,
    unfinished,
    write_bytes,
    write_json,
    write_manifest,
)
from rag.index.report import Report
from rag.index.spaces import space_name
from rag.index.store import Index, check_identity, described
from rag.loaders.corpus import Failed, Loaded
from rag.pipeline import IndexOptions, Pipeline
from rag.runtime import Runtime
from rag.stages import DenseSpace, Space
from rag.types import Document

BATCH = 512
MAX_META_KEYS = 64


def build(
    path: Path, pipeline: Pipeline, corpus: Iterable[Loaded | Failed], roots: Sequence[Path], runtime: Runtime, spaces: Sequence[Space] | None = None
) -> Report:
    """Make the index at `path` hold exactly the corpus below `roots`, beside what it holds of other roots.

    `spaces` overrides the vector spaces of `pipeline` (a grid of pipelines shares one index with the union of theirs).
    Raises `StoreError` when another process builds there, or the index was built with another chunker or model.
    """
    report = Report()
    wanted = tuple(dict.fromkeys(pipeline.retrieve.spaces() if spaces is None else spaces))
    _make(path)
    with lock(path):
        for left in unfinished(path):  # by an interrupted build: under the lock nobody is writing it
            shutil.rmtree(left)
        generation = current(path)
        manifest = read_manifest(generation) if generation else None
        old = read_documents(generation, manifest.documents) if generation and manifest else {}
        if manifest:
            _check(path, manifest, pipeline, wanted, runtime)
        with report.timed("load"):
            changes = compare(corpus, old, set(map(str, roots)), pipeline.index.tenant_key)
        with report.timed("chunk"):
            cuts, failed = cut_all([changes.documents[i] for i in sorted(changes.added | changes.updated)], pipeline, runtime)
            changes.refuse(failed, old)
        report.count(changes)
        if generation and manifest and not changes and manifest.hnsw == _graph(pipeline.index, manifest.chunks, wanted):
            _reconfigure(generation, manifest, pipeline, report)
            return report
        documents = list(changes.documents.values()) + (_stored(path, changes.kept, runtime) if changes.kept else [])
        documents.sort(key=lambda d: d[0].id)
        with report.timed("chunk"):
            rest, failed = cut_all([d for d in documents if d[0].id not in cuts], pipeline, runtime)
            if failed:
                raise StoreError(f"{path}: {failed[0].doc_id!r} was cut before and now is not ({failed[0].reason}); index into another directory")
            batch = collect(documents, {**cuts, **rest}, pipeline, wanted, runtime)
        _write(path, generation, pipeline, wanted, batch, runtime, report)
    return report


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: cannot be made a directory ({error.strerror}); choose another place for the index") from None


def _graph(options: IndexOptions, chunks: int, wanted: Sequence[Space]) -> bool:
    """Whether vectors get a graph: as `index.search` says, by the number of chunks when that is `auto`."""
    large = options.search == "hnsw" or (options.search == "auto" and chunks >= options.exact_below)
    return large and any(isinstance(s, DenseSpace) for s in wanted)


def _reconfigure(generation: Path, manifest: Manifest, pipeline: Pipeline, report: Report) -> None:
    """Where no chunk changes: report what the index holds, and keep the configuration it is asked with from now on."""
    report.documents, report.chunks = manifest.documents, manifest.chunks
    report.gap_characters, report.over_limit = manifest.gaps, dict(manifest.over_limit)
    config = dump(pipeline)
    if manifest.config != config:
        write_json(generation / "manifest.json", asdict(replace(manifest, config=config)))


def _check(path: Path, manifest: Manifest, pipeline: Pipeline, wanted: Sequence[Space], runtime: Runtime) -> None:
    if manifest.chunk_key != pipeline.chunk_key:
        built = manifest.config["chunk"]["use"]
        raise StoreError(f"{path} was cut by chunk: {built}, the configuration says {pipeline.chunk.use} or other fields of it; index into another directory")
    if set(manifest.spaces) != {space_name(s) for s in wanted}:
        has, needs = ", ".join(manifest.spaces), ", ".join(map(space_name, wanted))
        raise StoreError(f"{path} holds the vector spaces {has or 'none'}, the configuration's retrieve: needs {needs or 'none'}; index into another directory")
    if manifest.tenant_key != pipeline.index.tenant_key:
        built, asked = manifest.tenant_key, pipeline.index.tenant_key
        raise StoreError(f"{path} was built with index.tenant_key {built!r}, the configuration says {asked!r}; index into another directory")
    for space in wanted:
        if isinstance(space, DenseSpace):
            check_identity(path, manifest.spaces[space_name(space)]["identity"], runtime.encoder(space.model).identity)
    if _plain(manifest.chunker) != _plain(runtime.identities(pipeline.chunk)):
        raise StoreError(f"{path} was cut with another version of the model or tokenizer that chunk: names; index into another directory")


def _plain(identities: Sequence[Any]) -> list[Any]:
    """Return model identities without the precision they were computed in."""
    return [{k: v for k, v in i.items() if k != "precision"} if isinstance(i, dict) else i for i in identities]


def _stored(path: Path, rows: Sequence[DocumentRow], runtime: Runtime) -> list[tuple[Document, str]]:
    """Return documents as the index holds them, for those that were not read this time."""
    with Index.open(path, runtime) as index:
        texts = index.stored_texts([r.id for r in rows])
    return [(Document(r.id, texts[r.id], r.meta, r.title, r.body, r.source, r.modified), r.root) for r in rows]


def _write(path: Path, generation: Path | None, pipeline: Pipeline, wanted: Sequence[Space], batch: Batch, runtime: Runtime, report: Report) -> None:
    with report.timed("embed"):
        vectors = {space_name(s): runtime.embed(s.model, [c.index_text for c in batch.chunks], s.prefix) for s in wanted if isinstance(s, DenseSpace)}
        over_limit = _over_limit(batch, wanted, runtime)
    number = int(generation.name.split("-")[1]) + 1 if generation else 1
    temporary, final = path / f"tmp-{number:06d}", path / f"gen-{number:06d}"
    options = pipeline.index
    hnsw = _graph(options, len(batch.chunks), wanted)
    dense = {n: v.shape[1] if len(v) else 1 for n, v in vectors.items()}
    with report.timed("write"):
        temporary.mkdir()
        engine = EdgeEngine.create(temporary / "shard", Layout(dense, tuple(batch.sparse), hnsw))
        points = 0
        with runtime.progress("write", len(batch.chunks)) as advance:
            for part in batch.points(vectors, BATCH):
                engine.write(part)
                points += len(part)
                advance(sum(1 for p in part if p.payload["kind"] == "chunk"))
        runtime.work.writes += points
        engine.index_payload(batch.payload_keys(MAX_META_KEYS, options.tenant_key is not None))
    with report.timed("optimize"):
        engine.finish()
    with report.timed("seal"):
        manifest = _manifest(pipeline, wanted, batch, points, hnsw, dense, runtime)
        manifest = replace(manifest, over_limit=over_limit)
        write_manifest(temporary, manifest, batch.rows)
        temporary.rename(final)
        sync_directory(path)
        write_bytes(path / "CURRENT", f"{final.name}\n".encode())
        for old in unfinished(path):
            shutil.rmtree(old, ignore_errors=True)
    report.documents, report.chunks = len(batch.rows), len(batch.chunks)
    report.gap_characters, report.over_limit = batch.gap_characters, over_limit


def _over_limit(batch: Batch, wanted: Sequence[Space], runtime: Runtime) -> dict[str, int]:
    """Return per encoder how many chunks are longer than it reads; the rest of them is not in their vectors."""
    found: dict[str, int] = {}
    for space in wanted:
        if isinstance(space, DenseSpace):
            encoder = runtime.encoder(space.model)
            texts = (space.prefix + c.index_text for c in batch.chunks)
            longer = [t for t in texts if len(t.encode()) + 2 > encoder.max_tokens]  # a token is at least a byte
            count = sum(n > encoder.max_tokens for i in range(0, len(longer), 1000) for n in encoder.counts(longer[i : i + 1000]))
            if count:
                found[f"{encoder.name} ({encoder.max_tokens} tokens)"] = count
    return found


def _manifest(pipeline: Pipeline, wanted: Sequence[Space], batch: Batch, points: int, hnsw: bool, dense: dict[str, int], runtime: Runtime) -> Manifest:
    spaces: dict[str, dict[str, Any]] = {}
    for space in wanted:
        name, extra = space_name(space), {}
        if isinstance(space, DenseSpace):
            extra = {"dimension": dense[name], "identity": runtime.encoder(space.model).identity}
        else:
            extra = {"average_length": batch.averages[name]}
        spaces[name] = {"kind": described(space), "spec": repr(space), **extra}
    chunker = runtime.identities(pipeline.chunk)
    content = key("content", 1, pipeline.chunk_key, chunker, spaces, [[r.id, r.digest, r.tenant] for r in batch.rows])
    tenants: dict[str, int] = {}
    for row in batch.rows:
        if row.tenant:
            tenants[row.tenant] = tenants.get(row.tenant, 0) + row.chunks
    versions = {p: version(p) for p in ("spanwise", "qdrant-edge-py")}
    return Manifest(
        content,
        dump(pipeline),
        pipeline.chunk_key,
        chunker,
        spaces,
        points,
        len(batch.chunks),
        len(batch.rows),
        tenants,
        hnsw,
        pipeline.index.tenant_key,
        versions,
        batch.gap_characters,
    )
