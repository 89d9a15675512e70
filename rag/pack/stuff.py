"""Whole documents, as many as fit: what a long context does without cutting anything out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from rag.index.meta import holds
from rag.index.reader import Reader
from rag.models.files import BUNDLED
from rag.pack._source import source, within
from rag.registry import register
from rag.stages import Packer, bounded, model
from rag.types import Chunk, Context, Hit, Query, Span


@register("stuff")
@dataclass(frozen=True)
class Stuff(Packer):
    """Show whole documents instead of hits: the long-context baseline that retrieval has to beat.

    `of: hits` shows the documents that hits lie in, best first; `of: all` shows every document in scope (under the question's filter), by
    id, whatever was retrieved. `tokens` (or `share` of `window`, as for `budget`) is the budget; a document that does not fit is left
    out and counted, and a shorter one may still fit. `limit` caps the number of documents (0: no cap).
    """

    of: Literal["hits", "all"] = "hits"
    tokens: int = bounded(8000, ge=16)
    limit: int = bounded(0, ge=0)
    window: int | None = bounded(None, ge=16)
    share: float = bounded(0.7, gt=0, le=1)
    tokenizer: str = model("tokenizer", BUNDLED)

    @property
    def budget(self) -> int:
        """The most tokens a context may have."""
        return within(self.tokens, self.window, self.share)

    def pack(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Context:
        """Return whole documents as numbered sources."""
        count = reader.runtime.tokenizer(self.tokenizer)
        kept: list[Hit] = []
        used = dropped = 0
        for hit in _whole(_first(hits) if self.of == "hits" else _all(query, reader), reader):
            if self.limit and len(kept) == self.limit:
                break
            text = source(len(kept) + 1, hit, reader)
            cost = self.budget + 1 if len(text.split()) > self.budget - used else count.count(text)
            if used + cost > self.budget:
                dropped += 1
                continue
            kept.append(hit)
            used += cost
        text = "\n\n".join(source(i, hit, reader) for i, hit in enumerate(kept, start=1))
        return Context(tuple(kept), text, count.count(text), dropped)


def _first(hits: Iterable[Hit]) -> list[Hit]:
    """Return the best hit of each document."""
    return list({h.chunk.span.doc_id: h for h in reversed(list(hits))}.values())[::-1]


def _all(query: Query, reader: Reader) -> list[Hit]:
    """Return one hit for every document in scope that meets the filter of the query, by id."""
    first: dict[str, Chunk] = {}
    for chunk in reader.all_chunks():
        doc = chunk.span.doc_id
        if doc not in first and (query.where is None or holds(chunk.meta, query.where, doc, reader.document(doc).modified)):
            first[doc] = chunk
    return [Hit(first[doc], 0.0, "stuff") for doc in sorted(first)]


def _whole(hits: Iterable[Hit], reader: Reader) -> Iterator[Hit]:
    for hit in hits:
        doc = hit.chunk.span.doc_id
        span = Span(doc, 0, reader.document(doc).length)
        text = reader.text(span)
        yield replace(hit, chunk=replace(hit.chunk, span=span, text=text, index_text=text, parent=None), source="stuff")
