"""The sources as a chat model is shown them: hidden characters out, fenced as data, and as many as its window has room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.index.reader import Reader
from rag.instructions import instructions_in
from rag.types import Context, Hit
from rag.untrusted import Fenced, Source, fenced, visible


@dataclass(frozen=True)
class Shown:
    """The hits that are shown, the block of text that shows them, and what was noticed on the way."""

    hits: tuple[Hit, ...]
    block: str
    facts: dict[str, object]


def show(context: Context, question: str, reader: Reader, fits: Callable[[str], bool]) -> Shown:
    """Return the sources of a context in their order; while the block does not fit, the one with the lowest score goes."""
    hits = list(context.hits)
    block = _block(hits, question, reader)
    left_out = 0
    while hits and not fits(block.text):
        hits.remove(min(hits, key=lambda h: (h.score, h.chunk.id)))
        left_out += 1
        block = _block(hits, question, reader)
    flagged = [f for hit in hits for f in instructions_in(visible(hit.chunk.text)[0])]
    facts: dict[str, object] = {
        "sources": len(hits), "left_out": left_out, "hidden_characters": block.removed, "delimiters_replaced": block.replaced, "instructions_flagged": len(flagged),
    }  # fmt: skip
    if flagged:
        facts["instruction_families"] = sorted({f.family for f in flagged})
    return Shown(tuple(hits), block.text, facts)


def _block(hits: Sequence[Hit], question: str, reader: Reader) -> Fenced:
    return fenced([Source(_name(h, reader), h.chunk.text) for h in hits], question)


def _name(hit: Hit, reader: Reader) -> str:
    title = reader.document(hit.chunk.span.doc_id).title
    return f"{title} \u2014 {hit.chunk.span.doc_id}" if title else hit.chunk.span.doc_id


def texts(hits: Sequence[Hit]) -> list[str]:
    """Return the stored texts of hits, for what has to be found in them word by word."""
    return [h.chunk.text for h in hits]
