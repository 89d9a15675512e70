"""Requirements on excerpts: what was wanted, once, within the size, and what is cut is counted."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from eval.report.excerpts import AROUND, HEAD, excerpts
from rag.types import Span

TEXT = "".join(chr(97 + i % 26) for i in range(5000))
SPANS = st.lists(st.builds(lambda at, n: Span("d", at, min(at + n, 5000)), st.integers(0, 4998), st.integers(1, 900)), max_size=8)


def pieces(made):
    flat = made.pieces.get("d", [])
    return [(flat[i], flat[i + 1]) for i in range(0, len(flat), 2)]


def test_evidence_comes_with_what_is_around_it_and_passages_without():
    made = excerpts({"d": TEXT}, [Span("d", 1000, 1010)], [Span("d", 3000, 3050)], 10_000)
    assert pieces(made) == [(1000 - AROUND, TEXT[1000 - AROUND : 1010 + AROUND]), (3000, TEXT[3000:3050])]
    assert (made.lengths, made.wanted, made.cut) == ({"d": 5000}, 2, 0)


def test_passages_that_overlap_are_kept_once():
    made = excerpts({"d": TEXT}, [], [Span("d", 0, 600), Span("d", 500, 900), Span("d", 100, 200)], 10_000)
    assert pieces(made) == [(0, TEXT[:900])]


def test_passage_that_does_not_fit_is_cut_to_its_head_then_left_out_and_counted():
    first, second, third = Span("d", 0, 1000), Span("d", 1500, 2500), Span("d", 3000, 4000)
    made = excerpts({"d": TEXT}, [], [first, second, third], 1000 + HEAD + 50)
    assert pieces(made) == [(0, TEXT[:1000]), (1500, TEXT[1500 : 1500 + HEAD])]
    assert (made.wanted, made.cut) == (3, 2)


def test_document_without_text_is_not_there():
    assert excerpts({}, [Span("d", 0, 5)], [], 100).pieces == {}


@given(SPANS, SPANS, st.integers(0, 6000))
def test_pieces_are_true_disjoint_and_within_the_size_and_cut_is_what_is_not_whole(first, then, most):
    made = excerpts({"d": TEXT}, first, then, most)
    found = pieces(made)
    assert all(TEXT[start : start + len(text)] == text for start, text in found)
    assert all(a + len(x) < b for (a, x), (b, _) in pairwise(found))
    assert sum(len(text) for _, text in found) <= most
    held = {i for start, text in found for i in range(start, start + len(text))}
    whole = [span for span in dict.fromkeys(first) if set(range(span.start, span.end)) <= held]
    whole += [span for span in dict.fromkeys(then) if set(range(span.start, span.end)) <= held]
    assert made.wanted - made.cut <= len(whole)
    assert made.cut == 0 or most < 20_000
