"""What packers share: how many tokens a context may have, and how one numbered source is written."""

from __future__ import annotations

from rag.index.reader import Reader
from rag.types import Hit


def within(tokens: int, window: int | None, share: float) -> int:
    """Return the most tokens of a context: `tokens`, and no more than `share` of a model's window where one is given."""
    return tokens if window is None else min(tokens, int(share * window))


def source(number: int, hit: Hit, reader: Reader) -> str:
    """Return a source as it is shown: its number, the title if there is one, the document, and the text."""
    title = reader.document(hit.chunk.span.doc_id).title
    head = f"{title} \u2014 " if title else ""
    return f"[{number}] {head}{hit.chunk.span.doc_id}\n{hit.chunk.text}"
