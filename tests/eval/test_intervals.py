"""Interval arithmetic: worked examples, and agreement with sets of characters."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from eval.intervals import length, shared, union
from rag.types import Span

spans = st.lists(st.builds(lambda d, a, n: Span(d, a, a + n), st.sampled_from("xy"), st.integers(0, 30), st.integers(0, 8)), max_size=8)


def characters(found):
    """The definition: the set of (document, position) that the spans hold."""
    return {(s.doc_id, i) for s in found for i in range(s.start, s.end)}


def test_overlapping_and_touching_spans_are_joined():
    """[0, 5) and [3, 8) and [8, 9) are [0, 9); [10, 12) stands alone."""
    assert union([Span("x", 8, 9), Span("x", 3, 8), Span("x", 0, 5), Span("x", 10, 12)]) == (Span("x", 0, 9), Span("x", 10, 12))


def test_empty_spans_hold_nothing():
    """An empty span is no part of a union."""
    assert union([Span("x", 3, 3)]) == ()
    assert length([]) == 0


def test_spans_of_different_documents_share_nothing():
    """The same offsets in two documents are different characters."""
    assert shared([Span("x", 0, 5)], [Span("y", 0, 5)]) == 0


def test_shared_characters_are_counted_once():
    """Two copies of [0, 10) against [4, 6) and [5, 8) share the four characters 4 to 7."""
    assert shared([Span("x", 0, 10), Span("x", 0, 10)], [Span("x", 4, 6), Span("x", 5, 8)]) == 4


@given(spans)
def test_union_keeps_the_characters_and_is_disjoint(found):
    """Same characters; ordered, with a gap between neighbours."""
    merged = union(found)
    assert characters(merged) == characters(found)
    assert length(found) == len(characters(found))
    assert all(a.doc_id < b.doc_id or a.end < b.start for a, b in itertools.pairwise(merged))


@given(spans, spans)
def test_shared_is_the_size_of_the_intersection(a, b):
    """The sweep agrees with set intersection, in either order."""
    assert shared(a, b) == shared(b, a) == len(characters(a) & characters(b))
