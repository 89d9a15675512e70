"""Verifies an open index in full: every file, counts, document table, and the law that every chunk is a cut of its document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rag.errors import StoreError
from rag.index.engine import Scope
from rag.index.generation import verify_files
from rag.index.manifest import REBUILD
from rag.index.pages import PAGE
from rag.index.reader import Reader
from rag.index.store import Index
from rag.types import Document


def check(index: Index) -> dict[str, Any]:
    """Return `{documents, chunks, points, content, faults}`; every fault names the document and the repair."""
    reader = Reader(index.engine, index.manifest, index.documents, index.runtime, Scope(), True, False)
    faults = list(_files(index))
    chunks = 0
    for row in index.runtime.track(index.table.rows(), "check", len(index.table)):
        try:
            text = index.stored_texts([row.id])[row.id]
        except StoreError as error:
            faults.append(f"{row.id}: {error}")
            continue
        if Document(row.id, text, row.meta, row.title, row.body).digest != row.digest:
            faults.append(f"{row.id}: the stored text is not the text that was indexed; {REBUILD}")
        found, wrong = _document(index, reader, row.id, row.tenant, text)
        faults += wrong
        chunks += found
        if found != row.chunks:
            faults.append(f"{row.id}: {found} chunks, its row says {row.chunks}; {REBUILD}")
    faults += _counts(index, chunks)
    return {"documents": len(index.documents), "chunks": chunks, "points": index.manifest.points, "content": index.manifest.content, "faults": faults}


def _files(index: Index) -> Iterator[str]:
    if isinstance(index.path, str):  # on a server, which looks after its files
        return
    try:
        verify_files(index.generation, index.manifest, trust=False)
    except StoreError as error:
        yield str(error)


def _document(index: Index, reader: Reader, doc_id: str, tenant: str, text: str) -> tuple[int, list[str]]:
    """Return the number of chunks of a document and what is wrong with them."""
    faults = []
    payloads = index.engine.payloads(index.engine.points_of(tenant, doc_id))
    own = {i: p for i, p in payloads.items() if p.get("kind") == "chunk"}
    for i, payload in own.items():
        try:
            chunk = reader.chunks([i])[i]
        except StoreError as error:
            faults.append(f"{doc_id}: {error}")
            continue
        span = chunk.span
        if text[span.start : span.end] != chunk.text:
            faults.append(f"{doc_id} [{span.start}:{span.end}]: the chunk is not a cut of its document; {REBUILD}")
        if payload.get("tenant", "") != tenant:
            faults.append(f"{doc_id} [{span.start}:{span.end}]: the chunk is of another tenant than its document; {REBUILD}")
    reader.forget_chunks()
    return len(own), faults


def _counts(index: Index, chunks: int) -> Iterator[str]:
    m, fix = index.manifest, REBUILD
    if isinstance(index.path, str):  # on a server, where the next build writes what another left half done
        fix = "run `rag index` again, where no other build is running"
        if pending := index.engine.count("pending"):
            yield f"{pending} documents are being written, or were when a build was cut off; {fix}"
    expected = Counter({t: n for t, n in index.table.tenants().items() if t})
    if m.chunks != chunks or m.chunks != index.table.counts()[0] or dict(m.tenants) != dict(expected) or m.points != m.chunks + index.table.pages(PAGE):
        yield f"the manifest's counts of chunks are not those of its documents; {fix}"
    if index.engine.count("chunk") != m.chunks:
        yield f"the engine holds {index.engine.count('chunk')} chunks, the manifest says {m.chunks}; {fix}"
