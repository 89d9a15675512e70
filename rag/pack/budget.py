"""Numbered sources within a token budget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from rag.index.reader import Reader
from rag.models.files import BUNDLED
from rag.models.tokenizer import Tokenizer
from rag.pack._source import source, within
from rag.registry import register
from rag.stages import Packer, bounded, model
from rag.types import Context, Hit, Query, Span


@register("budget")
@dataclass(frozen=True)
class Budget(Packer):
    """Take hits from the top while they fit, number them, and put them in order.

    `tokens` is the budget as `tokenizer` counts it; with `window` (the answering model's context length) the budget is
    at most `share` of that. A hit that does not fit is left out and counted, and the next smaller one may still fit; the
    first hit alone is cut at a token to fit, unless its title leaves no room for any. `limit` caps the number of sources (0: no cap). `order: ends` puts the best
    first, the second best last and so on inwards (Liu et al. 2023, lost in the middle); `document` follows the source text.
    Spans that an earlier source already shows in full are left out.
    """

    tokens: int = bounded(2000, ge=16)
    limit: int = bounded(0, ge=0)
    order: Literal["score", "ends", "document"] = "score"
    window: int | None = bounded(None, ge=16)
    share: float = bounded(0.7, gt=0, le=1)
    tokenizer: str = model("tokenizer", BUNDLED)

    @property
    def budget(self) -> int:
        """The most tokens a context may have."""
        return within(self.tokens, self.window, self.share)

    def pack(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Context:
        """Return the context; its token count is that of its text, headers included."""
        count = reader.runtime.tokenizer(self.tokenizer)
        kept: list[Hit] = []
        shown: dict[str, list[Span]] = {}
        used = dropped = cut = 0
        for found in hits:
            hit = found
            if self.limit and len(kept) == self.limit:
                break
            span = hit.chunk.span
            if any(k.start <= span.start and span.end <= k.end for k in shown.get(span.doc_id, ())):
                continue
            if kept and used + len(hit.chunk.text.split()) > self.budget:  # a word is a token at least: no need to count further
                dropped += 1
                continue
            cost = count.count(source(len(kept) + 1, hit, reader))
            if used + cost > self.budget and not kept and (short := _shorten(hit, self.budget, count, reader)):
                hit, cost, cut = *short, 1
            if used + cost > self.budget:
                dropped += 1
                continue
            kept.append(hit)
            shown.setdefault(span.doc_id, []).append(hit.chunk.span)
            used += cost
        ordered = arrange(kept, self.order)
        text = "\n\n".join(source(i, hit, reader) for i, hit in enumerate(ordered, start=1))
        return Context(tuple(ordered), text, count.count(text), dropped, cut)


def arrange(hits: list[Hit], order: str) -> list[Hit]:
    """Return the hits, given from best to worst, in the order they are shown."""
    if order == "ends":
        return hits[::2] + hits[1::2][::-1]
    if order == "document":
        return sorted(hits, key=lambda h: h.chunk.span)
    return hits


def _shorten(hit: Hit, budget: int, count: Tokenizer, reader: Reader) -> tuple[Hit, int] | None:
    """Cut a hit after the last token that fits the budget: a narrower span of the same text, and its cost.

    None when not even one token fits under the header. Cutting a word may split what is left of it into more tokens
    than before, so the result is counted, not computed.
    """
    header = count.count(source(1, replace(hit, chunk=replace(hit.chunk, text="")), reader))
    ends = [end for _, end in count.offsets(hit.chunk.text)]
    for end in reversed(ends[: max(0, budget - header)]):
        span = Span(hit.chunk.span.doc_id, hit.chunk.span.start, hit.chunk.span.start + end)
        short = replace(hit, chunk=replace(hit.chunk, span=span, text=hit.chunk.text[:end]))
        cost = count.count(source(1, short, reader))
        if cost <= budget:
            return short, cost
    return None
