"""Groups of consecutive sentences: no chunk begins or ends inside a sentence that fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.chunk._ruler import Unit, measure
from rag.chunk._split import units
from rag.models.files import BUNDLED
from rag.registry import register
from rag.stages import Chunker, bounded, model
from rag.text import check_language
from rag.types import Document, Piece

if TYPE_CHECKING:
    from rag.runtime import Runtime


@register("sentence")
@dataclass(frozen=True)
class Sentence(Chunker):
    """As many sentences as fit into `size`; `overlap_sentences` of them are repeated where there is room."""

    size: int = bounded(200, ge=1)
    overlap_sentences: int = bounded(0, ge=0)
    unit: Unit = "tokens"
    tokenizer: str = model("tokenizer", BUNDLED)
    language: str = "english"

    def __post_init__(self) -> None:
        """Hold the fields to their bounds; raises `ValueError`."""
        super().__post_init__()
        check_language(self.language)

    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        """Yield groups of at most `size`; a sentence that is larger is cut at word boundaries first."""
        ruler = measure(document, runtime, self.unit, self.tokenizer)
        found = units(ruler, ruler.start, ruler.end, self.size, self.language)
        first = 0
        for i, (_, end) in enumerate(found):
            if i + 1 < len(found) and ruler.count(found[first][0], found[i + 1][1]) <= self.size:
                continue
            yield Piece(found[first][0], end)
            first = max(first, i + 1 - self.overlap_sentences)
            while first <= i and ruler.count(found[first][0], found[min(i + 1, len(found) - 1)][1]) > self.size:
                first += 1
