"""Windows of a fixed number of tokens or characters: the baseline that ignores what the text says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.chunk._ruler import Unit, measure
from rag.models.files import BUNDLED
from rag.registry import register
from rag.stages import Chunker, bounded, model
from rag.types import Document, Piece

if TYPE_CHECKING:
    from rag.runtime import Runtime


@register("fixed")
@dataclass(frozen=True)
class Fixed(Chunker):
    """Windows of `size` units, each beginning `size - overlap` after the one before; the last ends with the text."""

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
        """Yield the windows, cut between tokens wherever that may be."""
        ruler = measure(document, runtime, self.unit, self.tokenizer)
        for start, end in ruler.windows(ruler.start, ruler.end, self.size, self.overlap):
            yield Piece(start, end)
