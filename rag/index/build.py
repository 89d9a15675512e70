"""Brings an index up to date with a corpus: a new sealed generation, then one swap of the pointer.

Unchanged documents cost no embedding (vectors come from the memo); a corpus without any change costs no write at all.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag.config import dump
from rag.errors import StoreError
from rag.fingerprint import key
from rag.index.collect import Batch, collect
from rag.index.edge import EdgeEngine
from rag.index.engine import Layout
from rag.index.lock import lock
from rag.index.manifest import DocumentRow, Manifest, current, read_documents, read_manifest, sync_directory, write_bytes, write_manifest
from rag.index.spaces import space_name
from rag.index.store import Index, check_identity, described
from rag.loaders.corpus import Failed, Loaded
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.stages import DenseSpace, Space
from rag.types import Document

BATCH = 512
MAX_META_KEYS = 64


@dataclass
class Report:
    """What a call of `build` did, document by document and second by second."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    failed: list[Failed] = field(default_factory=list)
    chunks: int = 0
    documents: int = 0
    gap_characters: int = 0
    over_limit: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form of `rag index --json`."""
        body = {n: getattr(self, n) for n in ("added", "updated", "unchanged", "deleted", "chunks", "documents", "gap_characters", "over_limit")}
        failed = [{"doc_id": f.doc_id, "reason": f.reason} for f in self.failed]
        return {**body, "failed": failed, "seconds": {k: round(v, 4) for k, v in self.seconds.items()}}

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the wall time of the block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


def build(
    path: Path, pipeline: Pipeline, corpus: Iterable[Loaded | Failed], roots: Sequence[Path], runtime: Runtime, spaces: Sequence[Space] | None = None
) -> Report:
    """Make the index at `path` hold exactly the corpus below `roots`, beside what it holds of other roots.

    `spaces` overrides the vector spaces of `pipeline` (a grid of pipelines shares one index with the union of theirs).
    Raises `StoreError` when another process builds there, or the index was built with another chunker or model.
    """
    report = Report()
    wanted = tuple(dict.fromkeys(pipeline.retrieve.spaces() if spaces is None else spaces))
    path.mkdir(parents=True, exist_ok=True)
    with lock(path):
        _clear_unfinished(path)
        generation = current(path)
        old = {r.id: r for r in read_documents(generation)} if generation else {}
        if generation:
            _check(path, read_manifest(generation), pipeline, wanted, runtime)
        documents, kept = _compare(corpus, old, set(map(str, roots)), pipeline.index.tenant_key, report)
        report.documents = len(documents) + len(kept)
        if generation and not (report.added or report.updated or report.deleted):
            report.chunks = read_manifest(generation).chunks
            return report
        if kept and generation:
            documents += _stored(path, kept, runtime)
        with report.timed("chunk"):
            batch = collect(documents, pipeline, wanted, runtime, report.failed)
        report.added -= sum(1 for f in batch.failed if f.doc_id not in old)
        report.documents = len(batch.rows)
        _write(path, generation, pipeline, wanted, batch, runtime, report)
    return report


def _check(path: Path, manifest: Manifest, pipeline: Pipeline, wanted: Sequence[Space], runtime: Runtime) -> None:
    if manifest.chunk_key != pipeline.chunk_key:
        built = manifest.config["chunk"]["use"]
        raise StoreError(f"{path} was cut by chunk: {built}, the configuration says {pipeline.chunk.use} or other fields of it; index into another directory")
    if set(manifest.spaces) != {space_name(s) for s in wanted}:
        has, needs = ", ".join(manifest.spaces), ", ".join(map(space_name, wanted))
        raise StoreError(f"{path} holds the vector spaces {has}, the configuration's retrieve: needs {needs}; index into another directory")
    if manifest.tenant_key != pipeline.index.tenant_key:
        built, asked = manifest.tenant_key, pipeline.index.tenant_key
        raise StoreError(f"{path} was built with index.tenant_key {built!r}, the configuration says {asked!r}; index into another directory")
    for space in wanted:
        if isinstance(space, DenseSpace):
            check_identity(path, manifest.spaces[space_name(space)]["identity"], runtime.encoder(space.model).identity)


def _compare(
    corpus: Iterable[Loaded | Failed], old: dict[str, DocumentRow], roots: set[str], tenant_key: str | None, report: Report
) -> tuple[list[tuple[Document, str]], list[DocumentRow]]:
    """Return the documents read, and the rows of those that stay although they were not read; counts the rest."""
    documents: dict[str, tuple[Document, str]] = {}
    failed: set[str] = set()
    with report.timed("load"):
        for item in corpus:
            document = item.document if isinstance(item, Loaded) else None
            if isinstance(item, Failed):
                report.failed.append(item)
                failed.add(item.doc_id)
            elif document is not None and (fault := _fault(document, old, roots, tenant_key)):
                report.failed.append(Failed(document.id, fault, item.root))
                failed.add(document.id)
            elif document is not None:
                documents[document.id] = (document, str(item.root))
    for i, (document, root) in documents.items():
        if i not in old:
            report.added += 1
        elif old[i].digest == document.digest and old[i].root == root:
            report.unchanged += 1
        else:
            report.updated += 1
    missing = [r for r in old.values() if r.id not in documents]
    kept = [r for r in missing if r.root not in roots or r.id in failed]
    report.deleted = len(missing) - len(kept)
    return [documents[i] for i in sorted(documents)], kept


def _fault(document: Document, old: dict[str, DocumentRow], roots: set[str], tenant_key: str | None) -> str | None:
    known = old.get(document.id)
    if known is not None and known.root not in roots:
        return f"the index has a document of this id from {known.root}; rename one"
    if tenant_key is not None and not isinstance(document.meta.get(tenant_key), str):
        return f"has no text under {tenant_key!r} in its metadata, and index.tenant_key demands one"
    return None


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
    hnsw = bool(vectors) and (options.search == "hnsw" or (options.search == "auto" and len(batch.chunks) >= options.exact_below))
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
        for old in path.glob("gen-*"):
            if old != final:
                shutil.rmtree(old, ignore_errors=True)
    report.chunks, report.gap_characters, report.over_limit = len(batch.chunks), batch.gap_characters, over_limit


def _over_limit(batch: Batch, wanted: Sequence[Space], runtime: Runtime) -> dict[str, int]:
    """Return per encoder how many chunks are longer than it reads; the rest of them is not in their vectors."""
    found: dict[str, int] = {}
    for space in wanted:
        if isinstance(space, DenseSpace):
            encoder = runtime.encoder(space.model)
            longer = [space.prefix + c.index_text for c in batch.chunks if len(space.prefix + c.index_text) + 2 > encoder.max_tokens]
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


def _clear_unfinished(path: Path) -> None:
    """Remove what an interrupted build left; the caller holds the lock, so nobody is writing it."""
    for left in path.glob("tmp-*"):
        shutil.rmtree(left)
