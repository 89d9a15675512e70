"""How a packer writes one numbered source."""

from __future__ import annotations

from rag.index.reader import Reader
from rag.types import Hit


def source(number: int, hit: Hit, reader: Reader) -> str:
    """Return a source as it is shown: its number, the title if there is one, the document, and the text."""
    title = reader.document(hit.chunk.span.doc_id).title
    head = f"{title} \u2014 " if title else ""
    return f"[{number}] {head}{hit.chunk.span.doc_id}\n{hit.chunk.text}"
