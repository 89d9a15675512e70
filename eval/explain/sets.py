"""Sets of characters as ordered, disjoint spans: what two share, and what one has that the other has not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from eval.intervals import union
from rag.types import Span

Spans = tuple[Span, ...]
_WORDS = re.compile(r"\S+")


def both(a: Iterable[Span], b: Iterable[Span]) -> Spans:
    """Return the characters that are in both sets. O(n log n)."""
    left, right = union(a), union(b)
    found: list[Span] = []
    i = j = 0
    while i < len(left) and j < len(right):
        x, y = left[i], right[j]
        if x.overlap(y):
            found.append(Span(x.doc_id, max(x.start, y.start), min(x.end, y.end)))
        if (x.doc_id, x.end) < (y.doc_id, y.end):
            i += 1
        else:
            j += 1
    return tuple(found)


def minus(a: Iterable[Span], b: Iterable[Span]) -> Spans:
    """Return the characters of the first set that are not in the second. O(n log n)."""
    taken = iter(both(a := union(a), b))
    cut = next(taken, None)
    found: list[Span] = []
    for span in a:
        at = span.start
        while cut is not None and cut.overlap(span):
            if cut.start > at:
                found.append(Span(span.doc_id, at, cut.start))
            at, cut = cut.end, next(taken, None)
        if at < span.end:
            found.append(Span(span.doc_id, at, span.end))
    return tuple(found)


def solid(spans: Iterable[Span], texts: Mapping[str, str]) -> Spans:
    """Return the characters that are no white space; spans of a document whose text is not there stay whole."""
    found: list[Span] = []
    for span in union(spans):
        if span.doc_id not in texts:
            found.append(span)
            continue
        found += [Span(span.doc_id, *m.span()) for m in _WORDS.finditer(texts[span.doc_id], span.start, span.end)]
    return tuple(found)
