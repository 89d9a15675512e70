"""Sets of characters: held against Python's sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eval.explain.sets import both, minus, solid
from rag.types import Span

spans = st.lists(st.builds(lambda d, a, n: Span(d, a, a + n), st.sampled_from("xy"), st.integers(0, 30), st.integers(0, 9)), max_size=6)


def characters(found):
    return {(s.doc_id, i) for s in found for i in range(s.start, s.end)}


@given(spans, spans)
def test_both_and_minus_are_intersection_and_difference_of_sets_of_characters(a, b):
    assert characters(both(a, b)) == characters(a) & characters(b)
    assert characters(minus(a, b)) == characters(a) - characters(b)


@given(spans, spans)
def test_results_are_ordered_disjoint_and_not_empty(a, b):
    for found in (both(a, b), minus(a, b)):
        assert list(found) == sorted(found)
        assert all(len(s) for s in found)
        assert sum(map(len, found)) == len(characters(found))


def test_solid_leaves_white_space_out_and_keeps_spans_of_unknown_documents():
    assert solid([Span("a", 1, 8), Span("z", 2, 4)], {"a": "xab  c\n d"}) == (Span("a", 1, 3), Span("a", 5, 6), Span("z", 2, 4))
