"""Cutting: true slices, stable ids, every non-blank character in a chunk or in a reported gap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.chunk.fixed import Fixed
from rag.chunk.markdown import Markdown
from rag.chunk.parent import Parent
from rag.chunk.sentence import Sentence
from rag.chunk.whole import Whole
from rag.index.cut import cut
from rag.index.ids import point_id
from rag.runtime import Runtime
from rag.stages import Chunker
from rag.types import Document, Piece, Span

CHUNKERS = [
    Whole(),
    Fixed(size=5, overlap=2, unit="characters"),
    Fixed(size=3),
    Sentence(size=8),
    Markdown(size=8),
    Parent(child=Fixed(size=3), parent=Fixed(size=9)),
]
TEXTS = st.lists(st.sampled_from(["word ", "Two. ", "\n\n", "# H\n", "日本語", "👩\u200d👧", "\t", "e\u0301", "\x00", "| a |\n", "```\n"]), max_size=25).map(
    "".join
)


@dataclass(frozen=True)
class Pieces(Chunker):
    """Yields what it was given."""

    pieces: tuple[Piece, ...] = ()
    use = "pieces"

    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        yield from self.pieces


def pieces(*ranges):
    return Pieces(tuple(Piece(*r) for r in ranges))


@given(TEXTS, st.integers(0, 200), st.sampled_from(CHUNKERS), st.sampled_from(["", "A title"]))
def test_laws_of_cutting(shared_runtime, text, body, chunker, title):
    document = Document("a.md", text, {"lang": "en"}, title, min(body, len(text)))
    found = cut(document, chunker, "k", shared_runtime)
    held = set()
    for chunk in found.chunks:
        span = chunk.span
        assert chunk.text == text[span.start : span.end]
        assert chunk.text.strip()
        assert chunk.index_text == (f"{title} {chunk.text}" if title else chunk.text)
        assert chunk.meta["lang"] == "en"
        assert chunk.parent is None or (chunk.parent.start <= span.start and span.end <= chunk.parent.end)
        held.update(range(span.start, span.end))
    for gap in found.gaps:
        assert gap.reason == ("front matter" if gap.span.end <= document.body else "no chunk holds it")
        assert held.isdisjoint(range(gap.span.start, gap.span.end))
        held.update(range(gap.span.start, gap.span.end))
    assert [i for i, c in enumerate(text) if not c.isspace() and i not in held] == []
    assert len({c.id for c in found.chunks}) == len(found.chunks)
    assert found == cut(document, chunker, "k", shared_runtime)


def test_gaps_are_told_apart_at_the_body(runtime):
    text = "---\nx: 1\n---\nlost FOUND tail"
    found = cut(Document("a.md", text, body=13), pieces((18, 23)), "k", runtime)
    assert [(text[g.span.start : g.span.end], g.reason) for g in found.gaps] == [
        ("---\nx: 1\n---\n", "front matter"),
        ("lost ", "no chunk holds it"),
        (" tail", "no chunk holds it"),
    ]


def test_blank_runs_are_no_gaps_and_overlaps_hide_none(runtime):
    found = cut(Document("a.md", "  ab  cd ef"), pieces((2, 8), (2, 4), (6, 8)), "k", runtime)
    assert [g.span for g in found.gaps] == [Span("a.md", 8, 11)]


def test_the_title_is_indexed_and_never_quoted(runtime):
    (chunk,) = cut(Document("a", "body", title="Title"), Whole(), "k", runtime).chunks
    assert (chunk.text, chunk.index_text) == ("body", "Title body")
    model = Pieces((Piece(0, 4, index_text="context: body"),))
    (chunk,) = cut(Document("a", "body", title="Title"), model, "k", runtime).chunks
    assert (chunk.text, chunk.index_text) == ("body", "Title context: body")


def test_metadata_of_a_piece_goes_before_that_of_the_document(runtime):
    chunker = Pieces((Piece(0, 4, meta={"a": 2, "c": 3}),))
    (chunk,) = cut(Document("a", "body", {"a": 1, "b": 1}), chunker, "k", runtime).chunks
    assert chunk.meta == {"a": 2, "b": 1, "c": 3}


def test_ids_are_the_same_in_every_process_and_version():
    """An id that moved would make every chunk of every index look new."""
    assert point_id("", "a.md", 0, 5, "k", "", "", "") == "56b23a17-a505-5b2d-a4d1-e8aa1d1ba530"
    assert point_id("acme", "a.md", 0, 5, "k", "", "", "") == "2da9cc6f-cd60-58de-bd39-f29f584f2c51"
    assert point_id("", "a.md", "page", 0) == "ee30ca22-d1c3-59b3-8e73-55f56f0f7f53"


def test_an_id_names_tenant_document_place_chunker_parent_and_added_text(runtime):
    document, piece = Document("a", "some text"), Piece(0, 4)
    variants = [
        cut(document, Pieces((piece,)), "k", runtime),
        cut(document, Pieces((piece,)), "k", runtime, tenant="t"),
        cut(document, Pieces((piece,)), "l", runtime),
        cut(replace(document, id="b"), Pieces((piece,)), "k", runtime),
        cut(document, Pieces((Piece(0, 3),)), "k", runtime),
        cut(document, Pieces((replace(piece, parent=(0, 9)),)), "k", runtime),
        cut(document, Pieces((replace(piece, index_text="x"),)), "k", runtime),
    ]
    assert len({c.chunks[0].id for c in variants}) == len(variants)


def test_an_id_depends_on_the_place_and_not_on_the_text(runtime):
    """The same words twice are two chunks; an edit in place is the same chunk with other words."""
    twice = cut(Document("a", "one one"), pieces((0, 3), (4, 7)), "k", runtime).chunks
    assert twice[0].text == twice[1].text
    assert twice[0].id != twice[1].id
    assert cut(Document("a", "two one"), pieces((0, 3)), "k", runtime).chunks[0].id == twice[0].id


def test_a_piece_given_twice_is_one_chunk(runtime):
    assert len(cut(Document("a", "some text"), pieces((0, 4), (0, 4)), "k", runtime).chunks) == 1


@pytest.mark.parametrize(
    ("piece", "fault"),
    [
        (Piece(0, 10), r"\[0, 10\) in a text of 9"),
        (Piece(-1, 3), r"\[-1, 3\)"),
        (Piece(4, 4), r"\[4, 4\)"),
        (Piece(5, 4), r"\[5, 4\)"),
        (Piece(4, 5), "is blank"),
        (Piece(0, 4, parent=(0, 99)), "not inside its parent"),
        (Piece(0, 4, parent=(1, 9)), "not inside its parent"),
    ],
)
def test_a_chunker_that_breaks_its_contract_is_named_with_the_piece(runtime, piece, fault):
    with pytest.raises(ValueError, match=f"chunk 0 of 'a'.*{fault}"):
        cut(Document("a", "some text"), Pieces((piece,)), "k", runtime)


def test_every_chunk_says_the_page_and_the_headings_it_lies_under_whatever_cut_it(runtime):
    """Pages are those of the loader (`page_starts`), headings those of the text; what the document or a chunker says itself wins."""
    text = "# Top\n\nfirst page words\n\n## Part\n\nsecond page words"
    document = Document("a.pdf", text, {"page_starts": ("0", "25")})
    found = cut(document, Pieces((Piece(7, 12), Piece(18, 40), Piece(42, 48, meta={"heading": "own"}))), "k", runtime)
    places = [{k: v for k, v in c.meta.items() if k in ("page", "last_page", "heading")} for c in found.chunks]
    assert places == [{"page": 1, "heading": "Top"}, {"page": 1, "last_page": 2, "heading": "Top"}, {"page": 2, "heading": "own"}]
    named = cut(Document("b.md", text, {"heading": "of the document"}), Pieces((Piece(7, 12),)), "k", runtime)
    assert named.chunks[0].meta["heading"] == "of the document"
