"""One chunk per document."""

from __future__ import annotations

from rag.chunk.whole import Whole
from rag.runtime import Runtime
from rag.types import Document, Piece


def test_the_body_without_surrounding_space(runtime: Runtime) -> None:
    """White space at the ends is not quoted."""
    assert list(Whole().chunk(Document("d", "  a b\n"), runtime)) == [Piece(2, 5)]


def test_front_matter_is_not_part_of_it(runtime: Runtime) -> None:
    """The chunk starts at the body."""
    assert list(Whole().chunk(Document("d", "k: v\n\na b", body=5), runtime)) == [Piece(6, 9)]
