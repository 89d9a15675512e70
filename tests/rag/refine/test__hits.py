"""What refiners share: ids of reshaped hits, spans joined, covered and cut out."""

from __future__ import annotations

import pytest

from rag.refine._hits import chunk_id, covered, grouped, reshaped, without
from rag.types import Chunk, Hit, Span

TEXT = "one two  three four"


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index({"a.md": TEXT}) as index:
        yield index.reader(index.pipeline)


def span(start, end, doc="a.md"):
    return Span(doc, start, end)


def hit(start, end, name="x", parent=None):
    return Hit(Chunk(name, span(start, end), TEXT[start:end], "indexed", parent), 1.0, "bm25")


def test_the_first_hit_of_a_chunk_keeps_its_id_and_further_ones_name_their_span(reader):
    first, more = reshaped(hit(0, 7), span(0, 3), reader, "r"), reshaped(hit(0, 7), span(4, 7), reader, "r", more=True)
    assert [(h.chunk.id, h.chunk.text, h.source) for h in (first, more)] == [("x", "one", "r"), ("x@4-7", "two", "r")]
    again = reshaped(more, span(4, 14), reader, "r")
    assert (again.chunk.id, again.chunk.text) == ("x@4-14", "two  three")
    assert {chunk_id(h) for h in (first, more, again)} == {"x"}


def test_a_hit_that_stays_is_the_same_and_so_is_its_index_text(reader):
    kept = hit(0, 3)
    assert reshaped(kept, span(0, 3), reader, "r") is kept
    orphan = reshaped(hit(0, 3, parent=span(0, 7)), span(0, 3), reader, "r")
    assert (orphan.chunk.parent, orphan.chunk.index_text) == (None, "indexed")


def test_a_parent_holds_all_of_its_hit_or_is_none(reader):
    assert reshaped(hit(0, 3), span(0, 7), reader, "r", span(0, 7)).chunk.parent == span(0, 7)
    assert reshaped(hit(0, 3), span(0, 8), reader, "r", span(0, 7)).chunk.parent is None


def test_groups_are_joined_over_white_space_and_ordered_by_their_best(reader):
    spans = [span(15, 19), span(9, 14), span(0, 3), span(2, 7)]
    assert [(g.span, g.places) for g in grouped(spans, reader)] == [(span(15, 19), (0,)), (span(9, 14), (1,)), (span(0, 7), (2, 3))]
    assert [(g.span, g.places) for g in grouped(spans, reader, 1)] == [(span(9, 19), (0, 1)), (span(0, 7), (2, 3))]
    assert [g.span for g in grouped(spans, reader, 2)] == [span(0, 19)]


def test_covered_counts_a_character_once():
    assert covered(span(5, 15), [span(0, 7), span(6, 9), span(12, 20), span(5, 15, "b.md")]) == 7
    assert covered(span(5, 15), []) == 0


def test_without_leaves_the_parts_between():
    assert without(span(5, 15), [span(0, 7), span(9, 11), span(10, 12)]) == [span(7, 9), span(12, 15)]
    assert without(span(5, 15), [span(0, 20)]) == []
    assert without(span(5, 15), []) == [span(5, 15)]
