"""Verifies an open index in full: counts, document table, and the law that every chunk is a cut of its document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rag.errors import StoreError
from rag.index.engine import Scope
from rag.index.manifest import REBUILD
from rag.index.reader import Reader
from rag.index.store import Index
from rag.types import Document


def check(index: Index) -> dict[str, Any]:
    """Return `{documents, chunks, points, content, faults}`; every fault names the document and the repair."""
    reader = Reader(index.engine, index.manifest, index.documents, index.runtime, Scope(), True, False)
    texts: dict[str, str] = {}
    faults = list(_documents(index, texts))
    counts: Counter[str] = Counter()
    faults += _chunks(index, reader, texts, counts)
    faults += _counts(index, counts)
    found = {"documents": len(index.documents), "chunks": sum(counts.values()), "points": index.manifest.points, "content": index.manifest.content}
    return {**found, "faults": faults}


def _documents(index: Index, texts: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with the stored texts, and keep those that can be read in `texts`."""
    for row in index.documents.values():
        try:
            texts[row.id] = index.stored_texts([row.id])[row.id]
        except StoreError as error:
            yield f"{row.id}: {error}"
            continue
        if Document(row.id, texts[row.id], row.meta, row.title, row.body).digest != row.digest:
            yield f"{row.id}: the stored text is not the text that was indexed; {REBUILD}"


def _chunks(index: Index, reader: Reader, texts: dict[str, str], counts: Counter[str]) -> Iterator[str]:
    """Yield what is wrong with single chunks, and count them by document in `counts`."""
    for i, payload in index.engine.scroll("chunk", Scope()):
        counts[str(payload.get("doc"))] += 1
        try:
            chunk = reader.chunks([i])[i]
        except StoreError as error:
            yield f"{payload.get('doc')}: {error}"
            continue
        span, text = chunk.span, texts.get(chunk.span.doc_id)
        if text is not None and text[span.start : span.end] != chunk.text:
            yield f"{span.doc_id} [{span.start}:{span.end}]: the chunk is not a cut of its document; {REBUILD}"
        if payload.get("tenant", "") != index.documents[span.doc_id].tenant:
            yield f"{span.doc_id} [{span.start}:{span.end}]: the chunk is of another tenant than its document; {REBUILD}"


def _counts(index: Index, counts: Counter[str]) -> Iterator[str]:
    for row in index.documents.values():
        if counts[row.id] != row.chunks:
            yield f"{row.id}: {counts[row.id]} chunks, its row says {row.chunks}; {REBUILD}"
    tenants: Counter[str] = Counter()
    for row in index.documents.values():
        tenants[row.tenant] += row.chunks
    del tenants[""]
    expected = sum(row.chunks for row in index.documents.values())
    if index.manifest.chunks != expected or dict(index.manifest.tenants) != dict(tenants):
        yield f"the manifest's counts of chunks are not those of its documents; {REBUILD}"
