"""Arithmetic on sets of characters, given as spans of documents."""

from __future__ import annotations

from collections.abc import Iterable

from rag.types import Span


def union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the same characters as ordered, disjoint, non-empty spans; spans that touch are joined. O(n log n)."""
    merged: list[Span] = []
    for span in sorted(spans):
        if not len(span):
            continue
        last = merged[-1] if merged else None
        if last and last.doc_id == span.doc_id and span.start <= last.end:
            merged[-1] = Span(last.doc_id, last.start, max(last.end, span.end))
        else:
            merged.append(span)
    return tuple(merged)


def length(spans: Iterable[Span]) -> int:
    """Return how many characters the spans hold, each counted once."""
    return sum(len(span) for span in union(spans))


def shared(a: Iterable[Span], b: Iterable[Span]) -> int:
    """Return how many characters are in both sets of spans, each counted once: one sweep over both unions."""
    left, right = union(a), union(b)
    i = j = total = 0
    while i < len(left) and j < len(right):
        total += left[i].overlap(right[j])
        if (left[i].doc_id, left[i].end) < (right[j].doc_id, right[j].end):
            i += 1
        else:
            j += 1
    return total
