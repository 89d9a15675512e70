"""The whole document as one chunk: for collections whose documents are passages already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.registry import register
from rag.stages import Chunker
from rag.text import trim
from rag.types import Document, Piece

if TYPE_CHECKING:
    from rag.runtime import Runtime


@register("whole")
@dataclass(frozen=True)
class Whole(Chunker):
    """One chunk per document."""

    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        """Yield the body without surrounding white space; nothing for a blank document."""
        start, end = trim(document.text, document.body, len(document.text))
        if start < end:
            yield Piece(start, end)
