"""Auto-merge: hits that hold most of their parent become the parent, and spans that meet become one."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rag.index.reader import Reader
from rag.refine._hits import covered, found, joined
from rag.registry import register
from rag.stages import Refiner, bounded
from rag.types import Found, Hit, Query, Span


@register("merge")
@dataclass(frozen=True)
class Merge(Refiner):
    """Replace hits by their parent where they hold at least `share` of its characters, and join hits that meet.

    Hits of one document meet when they overlap, touch, or have at most `gap` characters of white space between them; a merged
    hit may meet others in turn. It has the rank, score and id of the best of those it stands for. `share: 1` merges into
    parents that were found whole; hits without a parent are only joined. Merging what was merged changes nothing.
    """

    share: float = bounded(0.5, gt=0, le=1)
    gap: int = bounded(4, ge=0)
    limit: int = bounded(20, ge=1)

    def refine(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Found:
        """Return hits with disjoint spans, in the order of the best of each, at most `limit`."""
        start = time.perf_counter()
        kept, parents = list(hits), 0
        while True:  # every round but the last has fewer hits or fewer of them with a parent
            spans, above, reached = self._raised(kept)
            merged = joined(kept, spans, above, reader, self.use, self.gap)
            parents += reached
            if merged == kept:
                break
            kept = merged
        return found(self.use, start, len(hits), kept[: self.limit], joined=len(hits) - len(kept), parents=parents)

    def _raised(self, hits: Sequence[Hit]) -> tuple[list[Span], list[Span | None], int]:
        """Return the span and parent of each hit once parents held by `share` stand for their children, and how many those are."""
        of_document: dict[str, list[Span]] = defaultdict(list)
        for hit in hits:
            of_document[hit.chunk.span.doc_id].append(hit.chunk.span)
        parents = {h.chunk.parent for h in hits if h.chunk.parent}
        reached = {p for p in parents if covered(p, of_document[p.doc_id]) >= self.share * len(p)}
        up = [h.chunk.parent in reached for h in hits]
        spans = [(h.chunk.parent or h.chunk.span) if u else h.chunk.span for h, u in zip(hits, up, strict=True)]
        return spans, [None if u else h.chunk.parent for h, u in zip(hits, up, strict=True)], len(reached)
