"""What refiners that reshape hits share: a hit on other characters, its id, and hits of one document joined.

Ids stay unique however refiners follow one another: a hit keeps the id of the chunk that was found, and where one chunk gives
several hits, all but the first are called `<chunk id>@<start>-<end>`. Such an id always names the span of its hit, which no
other hit has.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.index.reader import Reader
from rag.models.encoder import Vectors
from rag.stages import DenseSpace
from rag.types import Chunk, Found, Hit, Span, Step

MARK = "@"  # in no id of an index, which are UUIDs


def found(use: str, start: float, before: int, hits: Sequence[Hit], **more: object) -> Found:
    """Return hits with their trace step: counts, ids, scores and `more`, no text; `start` is when the refiner began."""
    facts = {"in": before, "hits": len(hits), "ids": [h.chunk.id for h in hits], "scores": [h.score for h in hits], **more}
    return Found(tuple(hits), Step("refine", use, 1000 * (time.perf_counter() - start), facts))


def chunk_id(hit: Hit) -> str:
    """Return the id of the chunk of the index that a hit comes from."""
    return hit.chunk.id.split(MARK, 1)[0]


def reshaped(hit: Hit, span: Span, reader: Reader, use: str, parent: Span | None = None, more: bool = False, text: str | None = None) -> Hit:
    """Return the hit on other characters of its document, cut from the index; `more`: a further hit of the same chunk.

    A parent that does not hold all of the span is none of it any more. `text` is that of the span where it was read before.
    """
    old = hit.chunk
    if parent is not None and not parent.start <= span.start <= span.end <= parent.end:
        parent = None
    own = f"{chunk_id(hit)}{MARK}{span.start}-{span.end}" if more or MARK in old.id else old.id
    if (own, span, parent) == (old.id, old.span, old.parent):
        return hit
    if span == old.span:
        return Hit(replace(old, id=own, parent=parent), hit.score, use)
    shift = span.start - old.span.start
    if text is None:
        text = old.text[shift : shift + len(span)] if shift >= 0 and span.end <= old.span.end else reader.text(span)
    return Hit(Chunk(own, span, text, text, parent, old.meta), hit.score, use)


@dataclass(frozen=True, slots=True)
class Group:
    """A span and the places of the hits it stands for, best first."""

    span: Span
    places: tuple[int, ...]


def grouped(spans: Sequence[Span], reader: Reader, gap: int = 0) -> list[Group]:
    """Return spans joined where they overlap, touch, or have at most `gap` characters of white space between them.

    The groups' spans are disjoint; they come in the order of the first of their places.
    """
    groups: list[Group] = []
    for i in sorted(range(len(spans)), key=lambda i: (spans[i], i)):
        last = groups[-1] if groups else None
        if last is not None and _near(last.span, spans[i], reader, gap):
            union = Span(last.span.doc_id, last.span.start, max(last.span.end, spans[i].end))
            groups[-1] = Group(union, (*last.places, i))
        else:
            groups.append(Group(spans[i], (i,)))
    return sorted((Group(g.span, tuple(sorted(g.places))) for g in groups), key=lambda g: g.places[0])


def _near(before: Span, after: Span, reader: Reader, gap: int) -> bool:
    if before.doc_id != after.doc_id or after.start - before.end > gap:
        return False
    return after.start <= before.end or reader.text(Span(before.doc_id, before.end, after.start)).isspace()


def joined(hits: Sequence[Hit], spans: Sequence[Span], parents: Sequence[Span | None], reader: Reader, use: str, gap: int = 0) -> list[Hit]:
    """Return hits with these spans and parents, joined: rank, score and id are those of the best, the parent the one that all share."""
    made = []
    for group in grouped(spans, reader, gap):
        shared = {parents[i] for i in group.places}
        made.append(reshaped(hits[group.places[0]], group.span, reader, use, shared.pop() if len(shared) == 1 else None))
    return made


def covered(span: Span, spans: Iterable[Span]) -> int:
    """Return how many characters of `span` the others hold together."""
    total, reached = 0, span.start
    for other in sorted(s for s in spans if s.overlap(span)):
        a, b = max(reached, other.start), min(span.end, other.end)
        total += max(0, b - a)
        reached = max(reached, b)
    return total


def without(span: Span, others: Iterable[Span]) -> list[Span]:
    """Return the parts of a span that none of the others holds, in order."""
    parts, reached = [], span.start
    for other in sorted(s for s in others if s.overlap(span)):
        if other.start > reached:
            parts.append(Span(span.doc_id, reached, other.start))
        reached = max(reached, other.end)
    return [*parts, Span(span.doc_id, reached, span.end)] if reached < span.end else parts


def unit_rows(hits: Sequence[Hit], model: str, reader: Reader) -> Vectors:
    """Return a unit row per hit: that of the index for the chunk that was found, embedded anew where a hit has none."""
    ids = [h.chunk.id for h in hits]
    if not any(MARK in i for i in ids):
        stored = reader.vectors(DenseSpace(model), ids)
        if len(stored) == len(set(ids)):
            return np.stack([stored[i] for i in ids])
    return reader.runtime.embed(model, [h.chunk.index_text for h in hits], label="")


def rescored(hit: Hit, score: float, use: str) -> Hit:
    """Return the same chunk with another score."""
    return replace(hit, score=score, source=use)
