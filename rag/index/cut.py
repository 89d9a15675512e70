"""Documents to chunks: runs a chunker, stamps ids, and reports every character that no chunk holds."""

from __future__ import annotations

from dataclasses import dataclass

from rag.fingerprint import key
from rag.index.ids import point_id
from rag.places import Places
from rag.runtime import Runtime
from rag.stages import Chunker
from rag.types import Chunk, Document, Meta, Piece, Span


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of the document with non-blank characters that no chunk holds, and why."""

    span: Span
    reason: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The chunks of one document, in order, and the gaps between them.

    `derived` is the digest of all that the chunker said of them where it said what to index of any, else empty: a model may have written
    it, so that document and chunker do not tell what it is.
    """

    chunks: tuple[Chunk, ...]
    gaps: tuple[Gap, ...]
    derived: str = ""


def cut(document: Document, chunker: Chunker, chunk_key: str, runtime: Runtime, tenant: str = "") -> Cut:
    """Return the chunks of a document, each with the page and headings it lies under where the text has any. Raises `ValueError` when the chunker breaks its contract."""
    chunks: list[Chunk] = []
    kept: list[Piece] = []
    seen = set()
    places = Places(document)
    for piece in chunker.chunk(document, runtime):
        _check(document, piece, len(chunks))
        chunk = _chunk(document, piece, chunk_key, tenant, places.of(piece.start, piece.end))
        if chunk.id not in seen:
            seen.add(chunk.id)
            chunks.append(chunk)
            kept.append(piece)
    derived = key("derived", [key(p) for p in kept]) if any(p.index_text is not None for p in kept) else ""
    return Cut(tuple(chunks), tuple(_gaps(document, chunks)), derived)


def _check(document: Document, piece: Piece, at: int) -> None:
    a, b, length = piece.start, piece.end, len(document.text)
    if not 0 <= a < b <= length:
        raise ValueError(f"chunk {at} of {document.id!r} is [{a}, {b}) in a text of {length} characters")
    if document.text[a:b].isspace():
        raise ValueError(f"chunk {at} of {document.id!r}, [{a}, {b}), is blank")
    if piece.parent and not 0 <= piece.parent[0] <= a < b <= piece.parent[1] <= length:
        raise ValueError(f"chunk {at} of {document.id!r}, [{a}, {b}), is not inside its parent [{piece.parent[0]}, {piece.parent[1]})")


def _chunk(document: Document, piece: Piece, chunk_key: str, tenant: str, place: Meta) -> Chunk:
    text = document.text[piece.start : piece.end]
    part = "" if piece.index_text is None else piece.index_text
    index_text = text if piece.index_text is None else piece.index_text
    if document.title:
        index_text = f"{document.title} {index_text}"
    parent = Span(document.id, *piece.parent) if piece.parent else None
    bounds = (*piece.parent, part) if piece.parent else ("", "", part)
    id_ = point_id(tenant, document.id, piece.start, piece.end, chunk_key, *bounds)
    return Chunk(id_, Span(document.id, piece.start, piece.end), text, index_text, parent, {**place, **document.meta, **piece.meta})


def _gaps(document: Document, chunks: list[Chunk]) -> list[Gap]:
    gaps, at = [], 0
    for start, end in [*sorted((c.span.start, c.span.end) for c in chunks), (len(document.text), len(document.text))]:
        if start > at and document.text[at:start].strip():
            head = min(start, document.body)
            if at < head and document.text[at:head].strip():
                gaps.append(Gap(Span(document.id, at, head), "front matter"))
            if document.text[max(at, head) : start].strip():
                gaps.append(Gap(Span(document.id, max(at, head), start), "no chunk holds it"))
        at = max(at, end)
    return gaps
