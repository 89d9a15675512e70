"""Near duplicates among hits: the best-ranked is kept."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.index.reader import Reader
from rag.refine._hits import found, unit_rows
from rag.registry import register
from rag.stages import Refiner, bounded, model
from rag.types import Found, Hit, Query

_WORD = re.compile(r"\w+")
Shingles = frozenset[tuple[str, ...]]


@register("dedupe")
@dataclass(frozen=True)
class Dedupe(Refiner):
    """Drop hits that repeat a better one, of whatever document: at least `similarity` alike; at most `limit` are kept.

    Likeness is the Jaccard similarity of the sets of runs of `shingle` lower-case words (Broder 1997), or with
    `by: embedding` the cosine of embeddings, where 0.95 is a better choice of `similarity`.
    """

    similarity: float = bounded(0.8, gt=0, le=1)
    by: Literal["words", "embedding"] = "words"
    shingle: int = bounded(3, ge=1)
    model: str | None = model("encoder")
    limit: int = bounded(20, ge=1)

    def refine(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Found:
        """Return hits no two of which are alike, in their order; the step names what was dropped, and for what."""
        start = time.perf_counter()
        alike = self._alike(hits, reader) if len(hits) > 1 else None  # nothing is embedded where there is nothing to compare
        kept: list[int] = []
        dropped: list[list[str]] = []
        for i, hit in enumerate(hits):
            if len(kept) == self.limit:
                break
            of = next((k for k in kept if alike and alike(k, i) >= self.similarity), None)
            if of is None:
                kept.append(i)
            else:
                dropped.append([hit.chunk.id, hits[of].chunk.id])
        facts = {"dropped": len(dropped), "dropped_ids": [i for i, _ in dropped], "duplicate_of": [of for _, of in dropped]}
        return found(self.use, start, len(hits), [hits[i] for i in kept], **facts)

    def _alike(self, hits: Sequence[Hit], reader: Reader) -> Callable[[int, int], float]:
        """Return how alike two hits are, by their places."""
        if self.by == "words":
            sets = [shingles(h.chunk.text, self.shingle) for h in hits]
            return lambda i, j: jaccard(sets[i], sets[j])
        rows = unit_rows(hits, self.model or "", reader)
        cosines = rows @ rows.T
        return lambda i, j: float(cosines[i, j])


def shingles(text: str, size: int) -> Shingles:
    """Return the runs of `size` lower-case words of a text; a shorter text is one run, one without words is its own."""
    words = _WORD.findall(text.lower()) or [text]
    return frozenset(tuple(words[i : i + size]) for i in range(max(1, len(words) - size + 1)))


def jaccard(a: Shingles, b: Shingles) -> float:
    """Return the shared share of two sets that are not empty, `|a & b| / |a | b|`."""
    both = len(a & b)
    return both / (len(a) + len(b) - both)
