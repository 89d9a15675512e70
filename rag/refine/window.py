"""Widens hits to their neighbourhood: the text just before and after what was found."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Literal

from rag.index.reader import Reader
from rag.refine._hits import found, joined
from rag.registry import register
from rag.stages import Refiner, bounded
from rag.text import check_language, sentences
from rag.types import Found, Hit, Query, Span

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]", re.MULTILINE)
_NEAR = 300  # characters read beyond a hit per sentence wanted, doubled until they hold enough
_INSIDE = 400  # characters of the hit itself that are read to see where its first or last sentence ends


@register("window")
@dataclass(frozen=True)
class Window(Refiner):
    """Widen each of the first `limit` hits by `before` and `after` sentences (or characters); join those that then overlap.

    Sentences that the hit cuts are completed first and not counted; characters end between words. A window stays inside the
    document, inside the hit's parent where it has one (`within: parent`), or between the Markdown headings around it
    (`section`). Joined hits have the rank, score and id of the best of them, so that no text is shown twice.
    """

    before: int = bounded(1, ge=0, le=10_000)
    after: int = bounded(1, ge=0, le=10_000)
    unit: Literal["sentences", "characters"] = "sentences"
    within: Literal["document", "parent", "section"] = "document"
    language: str = "english"
    limit: int = bounded(20, ge=1)

    def __post_init__(self) -> None:
        """Check bounds and language; raises `ValueError`."""
        super().__post_init__()
        check_language(self.language)

    def refine(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Found:
        """Return widened hits with disjoint spans, in the order of the best of each."""
        start = time.perf_counter()
        first = hits[: self.limit]
        spans = [self._widened(hit, reader) for hit in first]
        kept = joined(first, spans, [h.chunk.parent for h in first], reader, self.use)
        added = sum(len(s) - len(h.chunk.span) for s, h in zip(spans, first, strict=True))
        return found(self.use, start, len(hits), kept, joined=len(first) - len(kept), characters_added=added)

    def _widened(self, hit: Hit, reader: Reader) -> Span:
        span, parent = hit.chunk.span, hit.chunk.parent
        low, high = 0, reader.document(span.doc_id).length
        if self.within == "parent" and parent is not None:
            low, high = parent.start, parent.end
        if self.unit == "characters":
            return Span(span.doc_id, self._words_before(span, low, reader), self._words_after(span, high, reader))
        return Span(span.doc_id, self._sentences_before(span, low, reader), self._sentences_after(span, high, reader))

    def _section(self, text: str, a: int, span: Span) -> tuple[int, int]:
        """Return the part of `text`, which starts at `a`, from the last heading before the span to the first after it."""
        if self.within != "section":
            return a, a + len(text)
        heads = [a + m.start() for m in _HEADING.finditer(text) if m.start() or not a]
        return max((h for h in heads if h <= span.start), default=a), min((h for h in heads if h >= span.end), default=a + len(text))

    def _words_before(self, span: Span, low: int, reader: Reader) -> int:
        a = max(low, span.start - self.before - 1)
        text = reader.text(Span(span.doc_id, a, span.start))
        begin, _ = self._section(text, a, span)
        blanks = [i for i, c in enumerate(text) if c.isspace()] if begin == a > low else []
        at = a + blanks[0] if blanks else max(begin, span.start - self.before)
        return span.start - len(text[at - a :].lstrip())

    def _words_after(self, span: Span, high: int, reader: Reader) -> int:
        b = min(high, span.end + self.after + 1)
        text = reader.text(Span(span.doc_id, span.end, b))
        _, end = self._section(text, span.end, span)
        blanks = [i for i, c in enumerate(text) if c.isspace()] if end == b < high else []
        at = span.end + blanks[-1] if blanks else min(end, span.end + self.after)
        return span.end + len(text[: at - span.end].rstrip())

    def _sentences_before(self, span: Span, low: int, reader: Reader) -> int:
        margin = _NEAR * (self.before + 1)
        while True:
            a = max(low, span.start - margin)
            text = reader.text(Span(span.doc_id, a, min(span.end, span.start + _INSIDE)))
            begin, _ = self._section(text, a, span)
            ranges = [(a + s, a + e) for s, e in sentences(text, self.language, begin - a) if a + s < span.start]
            wanted = self.before + bool(ranges and ranges[-1][1] > span.start)
            if len(ranges) > wanted or begin > a or a == low:  # one more than wanted: the first may be cut by the margin
                return ranges[-min(wanted, len(ranges))][0] if wanted and ranges else span.start
            margin *= 2

    def _sentences_after(self, span: Span, high: int, reader: Reader) -> int:
        margin = _NEAR * (self.after + 1)
        while True:
            a, b = max(span.start, span.end - _INSIDE), min(high, span.end + margin)
            text = reader.text(Span(span.doc_id, a, b))
            _, end = self._section(text, a, span)
            ranges = [(a + s, a + e) for s, e in sentences(text, self.language, 0, end - a) if a + e > span.end]
            wanted = self.after + bool(ranges and ranges[0][0] < span.end)
            if len(ranges) > wanted or end < b or b == high:
                return ranges[min(wanted, len(ranges)) - 1][1] if wanted and ranges else span.end
            margin *= 2
