"""Document text as points without vectors: pages of a fixed number of characters, so any span can be cut back out."""

from __future__ import annotations

from collections.abc import Iterator

from rag.index.cut import point_id
from rag.index.gate import PointRecord
from rag.types import Document, Span

PAGE = 8192


def page_span(span: Span) -> tuple[int, int]:
    """Return the offsets that the pages holding a span begin and end at."""
    return span.start // PAGE * PAGE, -(-max(span.end, span.start + 1) // PAGE) * PAGE


def page_ids(tenant: str, span: Span) -> list[str]:
    """Return the ids of the pages that hold a span, in order; none for an empty span."""
    first, last = page_span(span)
    return [point_id(tenant, span.doc_id, "page", n) for n in range(first // PAGE, last // PAGE)] if len(span) else []


def pages(document: Document, tenant: str) -> Iterator[PointRecord]:
    """Yield the pages of a document."""
    own = {"tenant": tenant} if tenant else {}
    for n, at in enumerate(range(0, len(document.text), PAGE)):
        payload = {"kind": "page", "doc": document.id, "page": n, "text": document.text[at : at + PAGE], **own}
        yield PointRecord(point_id(tenant, document.id, "page", n), {}, {}, payload)
