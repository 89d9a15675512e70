"""Small to search, large to read: replaces hits by the parents they were cut from."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rag.index.reader import Reader
from rag.refine._hits import found, reshaped
from rag.registry import register
from rag.stages import Refiner, bounded
from rag.types import Found, Hit, Query, Span


@register("parents")
@dataclass(frozen=True)
class Parents(Refiner):
    """Replace each hit by its parent, once per parent at the rank of its best child, at most `limit`.

    A hit without a parent stays as it is. The parent takes the best child's score and id.
    """

    limit: int = bounded(20, ge=1)

    def refine(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Found:
        """Return unique parents in the order of their best children."""
        start = time.perf_counter()
        best: dict[Span, Hit] = {}
        for hit in hits:
            best.setdefault(hit.chunk.parent or hit.chunk.span, hit)
            if len(best) == self.limit:
                break
        wider = [span for span, hit in best.items() if span != hit.chunk.span]
        texts = dict(zip(wider, reader.texts(wider), strict=True))
        kept = [reshaped(hit, span, reader, self.use, text=texts.get(span)) if hit.chunk.parent else hit for span, hit in best.items()]
        return found(self.use, start, len(hits), kept)
