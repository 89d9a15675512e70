"""Document text as points without vectors: pages of a fixed number of characters, so any span can be cut back out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rag.errors import StoreError
from rag.index.engine import Engine, Scope
from rag.index.ids import point_id
from rag.index.manifest import REBUILD
from rag.types import Span

PAGE = 8192


def page_span(span: Span) -> tuple[int, int]:
    """Return the offsets that the pages holding a span begin and end at."""
    return span.start // PAGE * PAGE, -(-max(span.end, span.start + 1) // PAGE) * PAGE


def page_ids(tenant: str, span: Span) -> list[str]:
    """Return the ids of the pages that hold a span, in order; none for an empty span."""
    first, last = page_span(span)
    return [point_id(tenant, span.doc_id, "page", n) for n in range(first // PAGE, last // PAGE)] if len(span) else []


def pages(doc_id: str, text: str, tenant: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the pages of a document: points of an id and a payload."""
    for n, at in enumerate(range(0, len(text), PAGE)):
        payload = {"kind": "page", "doc": doc_id, "page": n, "text": text[at : at + PAGE]}
        if tenant:
            payload["tenant"] = tenant
        yield point_id(tenant, doc_id, "page", n), payload


def cut_out(engine: Engine, scope: Scope, spans: Sequence[Span], tenants: Sequence[str]) -> list[str]:
    """Return the characters of each span of a document of the tenant beside it, from pages that are read once and together.

    Raises `StoreError` for a page that is not there or not in scope.
    """
    ids = [page_ids(tenant, span) for span, tenant in zip(spans, tenants, strict=True)]
    found = engine.payloads(list(dict.fromkeys(i for own in ids for i in own)))
    for payload in found.values():
        scope.check(payload)
    texts = []
    for span, own in zip(spans, ids, strict=True):
        if not all("text" in found.get(i, ()) for i in own):
            raise StoreError(f"pages of {span.doc_id!r} are missing from the index; {REBUILD}")
        text, first = "".join(found[i]["text"] for i in own), page_span(span)[0]
        texts.append(text[span.start - first : span.end - first])
    return texts
