"""Which parts of the documents go on the page: what was evidence, cited or shown, with a little around it, each character once, within a size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.explain.sets import Spans, minus
from eval.intervals import union
from eval.report.pool import size
from rag.shell import clean
from rag.types import Span

AROUND = 160  # characters before and after evidence and citations
HEAD = 240  # characters of a passage that does not fit whole


@dataclass(frozen=True)
class Excerpts:
    """`pieces` by document as start, text, start, text; `lengths` of the documents; `cut` of `wanted` passages are there in part or not at all."""

    pieces: Mapping[str, list[Any]]
    lengths: Mapping[str, int]
    wanted: int
    cut: int


def excerpts(texts: Mapping[str, str], first: Iterable[Span], then: Iterable[Span], most: float) -> Excerpts:
    """Return excerpts of about `most` bytes: of `first` (evidence, citations) with what is around, then of `then` while there is room.

    A passage that does not fit gets its first characters, and none once these do not fit either.
    """
    kept: dict[str, Spans] = {}
    used = wanted = cut = 0
    for span, around in [*((s, AROUND) for s in dict.fromkeys(first)), *((s, 0) for s in dict.fromkeys(then))]:
        text = texts.get(span.doc_id)
        if text is None:
            continue
        wanted += 1
        whole = Span(span.doc_id, max(0, span.start - around), min(len(text), span.end + around))
        for attempt in (whole, span, Span(span.doc_id, span.start, min(span.end, span.start + HEAD))):
            new = minus([attempt], kept.get(span.doc_id, ()))
            cost = sum(size(text[s.start : s.end]) + 8 for s in new)
            if used + cost <= most:
                kept[span.doc_id] = union([*kept.get(span.doc_id, ()), attempt])
                used += cost
                break
        cut += bool(minus([span], kept.get(span.doc_id, ())))
    pieces = {doc: _pieces(texts[doc], spans) for doc, spans in kept.items()}
    return Excerpts(pieces, {doc: len(texts[doc]) for doc in kept}, wanted, cut)


def _pieces(text: str, spans: Sequence[Span]) -> list[Any]:
    return [part for s in spans for part in (s.start, clean(text[s.start : s.end]))]
