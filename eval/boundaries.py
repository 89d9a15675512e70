"""Whether a chunker left the evidence whole: which spans of evidence some single chunk of an index holds."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from eval.questions import Question
from rag.index.engine import Scope
from rag.index.store import Index
from rag.stages import Chunker
from rag.types import Span


def chunk_spans(index: Index) -> list[Span]:
    """Return the span of every chunk of an index without tenants, as it was cut (of a parent-document index the small chunks)."""
    return [Span(p["doc"], p["start"], p["end"]) for _, p in index.engine.scroll(Chunker.kind, Scope())]


def held(questions: Sequence[Question], chunks: Iterable[Span]) -> Mapping[str, tuple[bool, ...]]:
    """Return by question, for each span of its evidence, whether one chunk holds all of it. O((chunks + spans) log chunks)."""
    cuts: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for span in chunks:
        cuts[span.doc_id].append((span.start, span.end))
    starts, reach = {}, {}
    for doc, ranges in cuts.items():
        ranges.sort()
        starts[doc] = [a for a, _ in ranges]
        reach[doc] = list(accumulate((b for _, b in ranges), max))  # how far any chunk that starts no later reaches

    def whole(span: Span) -> bool:
        at = bisect_right(starts.get(span.doc_id, []), span.start)
        return at > 0 and reach[span.doc_id][at - 1] >= span.end

    return {q.id: tuple(whole(span) for span in q.evidence) for q in questions}
