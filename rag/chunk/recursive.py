"""Chunks filled with paragraphs; what is too large is split at lines, then sentences, then words, then characters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.chunk._ruler import Unit, measure
from rag.chunk._split import split
from rag.models.files import BUNDLED
from rag.registry import register
from rag.stages import Chunker, bounded, model
from rag.types import Document, Piece

if TYPE_CHECKING:
    from rag.runtime import Runtime


@register("recursive")
@dataclass(frozen=True)
class Recursive(Chunker):
    """LangChain's `RecursiveCharacterTextSplitter`, with offsets.

    Two things differ from it: a full stop stays with the sentence it ends and counts only before white space (`3.14` is
    no end), and sizes are those of the cut in the document, not sums of parts tokenised one by one.
    """

    size: int = bounded(200, ge=1)
    overlap: int = bounded(0, ge=0)
    unit: Unit = "tokens"
    tokenizer: str = model("tokenizer", BUNDLED)

    def __post_init__(self) -> None:
        """Hold the fields to their bounds; raises `ValueError`."""
        super().__post_init__()
        if self.overlap >= self.size:
            raise ValueError(f"overlap must be less than size ({self.size}), not {self.overlap}")

    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        """Yield chunks of at most `size`; `overlap` repeats that much of whole trailing parts, at most."""
        ruler = measure(document, runtime, self.unit, self.tokenizer)
        for start, end in split(ruler, ruler.start, ruler.end, self.size, self.overlap):
            yield Piece(start, end)
