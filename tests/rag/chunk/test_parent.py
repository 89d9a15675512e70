"""Small chunks inside larger ones."""

from __future__ import annotations

from rag.chunk.fixed import Fixed
from rag.chunk.markdown import Markdown
from rag.chunk.parent import Parent
from rag.chunk.sentence import Sentence
from rag.chunk.whole import Whole
from rag.runtime import Runtime
from rag.types import Document, Piece


def test_each_child_knows_its_parent(runtime: Runtime) -> None:
    """Parents are six characters, children four; no child crosses from one parent to the next."""
    chunker = Parent(child=Fixed(size=4, unit="characters"), parent=Fixed(size=6, unit="characters"))
    found = [(p.start, p.end, p.parent) for p in chunker.chunk(Document("d", "abcdefghijkl"), runtime)]
    assert found == [(0, 4, (0, 6)), (4, 6, (0, 6)), (6, 10, (6, 12)), (10, 12, (6, 12))]


def test_offsets_are_those_of_the_document_behind_its_front_matter(runtime: Runtime) -> None:
    """The body starts at 5; parent and child are counted from the start of the text."""
    text = "k: v\n  Aa bb. Cc dd.\n"
    pieces = list(Parent(child=Sentence(size=6, unit="characters"), parent=Whole()).chunk(Document("d", text, body=5), runtime))
    assert [(text[p.start : p.end], p.parent) for p in pieces] == [("Aa bb.", (7, 20)), ("Cc dd.", (7, 20))]


def test_children_inherit_metadata(runtime: Runtime) -> None:
    """The section's heading is known to every sentence of it."""
    text = "# A\n\nAa bb. Cc dd."
    pieces = list(Parent(child=Sentence(size=6, unit="characters"), parent=Markdown()).chunk(Document("d", text), runtime))
    assert [dict(p.meta) for p in pieces] == [{"heading": "A"}] * 3


def test_metadata_of_the_child_goes_before_that_of_the_parent(runtime: Runtime) -> None:
    """A child that knows its own heading says so."""
    text = "# A\na\n## B\nb"
    chunker = Parent(child=Markdown(size=6, unit="characters"), parent=Markdown(size=100))
    assert [dict(p.meta) for p in chunker.chunk(Document("d", text), runtime)] == [{"heading": "A"}, {"heading": "A > B"}]


def test_a_piece_in_two_overlapping_parents_is_yielded_once(runtime: Runtime) -> None:
    """Parents [0,4) and [2,6) both hold cd; the first has it. Order is by start."""
    chunker = Parent(child=Fixed(size=2, unit="characters"), parent=Fixed(size=4, overlap=2, unit="characters"))
    found = list(chunker.chunk(Document("d", "abcdef"), runtime))
    assert found == [Piece(0, 2, (0, 4), meta={}), Piece(2, 4, (0, 4), meta={}), Piece(4, 6, (2, 6), meta={})]


def test_equal_parts_make_equal_chunkers() -> None:
    """A stage is a value."""
    assert Parent(child=Fixed(), parent=Whole()) == Parent(child=Fixed(size=200), parent=Whole())
