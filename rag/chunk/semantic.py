"""Chunks that end where the meaning of neighbouring sentences changes most (Kamradt's method)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from rag.chunk._ruler import Range, Ruler, Unit, measure
from rag.chunk._split import units
from rag.models.files import BUNDLED
from rag.registry import register
from rag.stages import Chunker, bounded
from rag.stages import model as model_of
from rag.text import check_language
from rag.types import Document, Piece

if TYPE_CHECKING:
    from rag.runtime import Runtime


@register("semantic")
@dataclass(frozen=True)
class Semantic(Chunker):
    """Breaks between two sentences whose cosine distance exceeds a threshold, within `min_size` and `size`.

    Each sentence is embedded together with `buffer` neighbours on either side. `percentile` takes that percentile of the
    distances in the document for the threshold, `absolute` takes `distance`. A chunk that would exceed `size` breaks at
    its largest distance that leaves `min_size` before it (the last possible one where none does). A chunk below
    `min_size` occurs where a neighbour leaves no room, or as the last where it does not fit onto the one before.
    Without `model` (and outside a pipeline, which fills it in) the bundled one is used.
    """

    size: int = bounded(250, ge=1)
    min_size: int = bounded(40, ge=1)
    model: str | None = model_of("encoder")
    threshold: Literal["percentile", "absolute"] = "percentile"
    percentile: float = bounded(90.0, ge=0, le=100)
    distance: float = bounded(0.5, ge=0, le=2)
    buffer: int = bounded(1, ge=0, le=10)
    unit: Unit = "tokens"
    tokenizer: str = model_of("tokenizer", BUNDLED)
    language: str = "english"

    def __post_init__(self) -> None:
        """Hold the fields to their bounds; raises `ValueError`."""
        super().__post_init__()
        check_language(self.language)
        if self.min_size > self.size:
            raise ValueError(f"min_size must be at most size ({self.size}), not {self.min_size}")

    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        """Yield the chunks; encodes each sentence with its neighbours once, through the memo."""
        ruler = measure(document, runtime, self.unit, self.tokenizer)
        found = units(ruler, ruler.start, ruler.end, self.size, self.language)
        gaps = self._distances(ruler.text, found, runtime)
        for start, end in self._joined(ruler, [(found[a][0], found[b - 1][1]) for a, b in self._groups(ruler, found, gaps)]):
            yield Piece(start, end)

    def _distances(self, text: str, found: list[Range], runtime: Runtime) -> list[float]:
        """Return the cosine distance between each sentence and the next, rounded so that ties are ties everywhere."""
        if len(found) < 2:
            return []
        last = len(found) - 1
        around = [text[found[max(0, i - self.buffer)][0] : found[min(last, i + self.buffer)][1]] for i in range(len(found))]
        rows = runtime.embed(self.model or BUNDLED, around, label="chunk: embed sentences").astype(np.float64)
        cosines = np.einsum("ij,ij->i", rows[:-1], rows[1:])
        return [round(1 - float(c), 6) for c in cosines]

    def _groups(self, ruler: Ruler, found: list[Range], gaps: list[float]) -> Iterator[Range]:
        """Yield index ranges of sentences; `gaps[i]` lies between sentence `i` and the next."""
        limit = self.distance
        if gaps and self.threshold == "percentile":
            limit = float(np.percentile(gaps, self.percentile))
        first = 0
        for i, gap in enumerate(gaps):
            while first <= i and ruler.count(found[first][0], found[i + 1][1]) > self.size:
                stop = self._widest(ruler, found, gaps, first, i)
                yield first, stop
                first = stop
            if first <= i and gap > limit and ruler.count(found[first][0], found[i][1]) >= self.min_size:
                yield first, i + 1
                first = i + 1
        if first < len(found):
            yield first, len(found)

    def _widest(self, ruler: Ruler, found: list[Range], gaps: list[float], first: int, last: int) -> int:
        """Return the sentence to break before: after the largest of the gaps `first..last`, the later one of equals."""
        allowed = [k for k in range(first, last + 1) if ruler.count(found[first][0], found[k][1]) >= self.min_size]
        return max(allowed or [last], key=lambda k: (gaps[k], k)) + 1

    def _joined(self, ruler: Ruler, pieces: list[Range]) -> list[Range]:
        """Put a last piece below `min_size` onto the one before, where the two fit."""
        if len(pieces) > 1 and ruler.count(*pieces[-1]) < self.min_size and ruler.count(pieces[-2][0], pieces[-1][1]) <= self.size:
            return [*pieces[:-2], (pieces[-2][0], pieces[-1][1])]
        return pieces
