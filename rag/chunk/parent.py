"""Small chunks to find, each inside the larger one that is to be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.registry import register
from rag.stages import Chunker
from rag.types import Document, Piece

if TYPE_CHECKING:
    from rag.runtime import Runtime


@register("parent")
@dataclass(frozen=True)
class Parent(Chunker):
    """Cuts with `parent`, and each of its pieces again with `child`; the `parents` refiner widens hits to the parent."""

    child: Chunker
    parent: Chunker

    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        """Yield the child pieces with their parent's range; metadata of the child goes before that of the parent.

        A piece that two overlapping parents share is yielded once, with the earlier parent.
        """
        found: dict[tuple[int, int], Piece] = {}
        for whole in self.parent.chunk(document, runtime):
            inner = replace(document, text=document.text[whole.start : whole.end], body=0)
            for piece in self.child.chunk(inner, runtime):
                start, end = whole.start + piece.start, whole.start + piece.end
                meta = {**whole.meta, **piece.meta}
                found.setdefault((start, end), replace(piece, start=start, end=end, parent=(whole.start, whole.end), meta=meta))
        for at in sorted(found):
            yield found[at]
