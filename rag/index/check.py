"""Verifies an open index in full: counts, document table, and the law that every chunk is a cut of its document."""

from __future__ import annotations

from typing import Any

from rag.index.engine import Scope
from rag.index.reader import Reader
from rag.index.store import Index
from rag.types import Document


def check(index: Index) -> dict[str, Any]:
    """Return `{documents, chunks, points, faults}`; every fault names the document and the repair."""
    faults: list[str] = []
    counts: dict[str, int] = {}
    reader = Reader(index.engine, index.manifest, index.documents, index.runtime, Scope(), True, False)
    texts = index.stored_texts(list(index.documents))
    for row in index.documents.values():
        d = Document(row.id, texts[row.id], row.meta, row.title, row.body)
        if d.digest != row.digest:
            faults.append(f"{row.id}: the stored text is not the text that was indexed; rebuild the index with `rag index`")
    for chunk in reader.all_chunks():
        span = chunk.span
        counts[span.doc_id] = counts.get(span.doc_id, 0) + 1
        if texts.get(span.doc_id, "")[span.start : span.end] != chunk.text:
            faults.append(f"{span.doc_id} [{span.start}:{span.end}]: the chunk is not a cut of its document; rebuild the index with `rag index`")
    for row in index.documents.values():
        if counts.get(row.id, 0) != row.chunks:
            faults.append(f"{row.id}: {counts.get(row.id, 0)} chunks, its row says {row.chunks}; rebuild the index with `rag index`")
    return {
        "documents": len(index.documents),
        "chunks": sum(counts.values()),
        "points": index.manifest.points,
        "content": index.manifest.content,
        "faults": faults,
    }
