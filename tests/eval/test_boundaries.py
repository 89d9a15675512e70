"""Which evidence a chunker left whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eval.boundaries import held
from eval.questions import Question
from rag.types import Span

RANGES = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(1, 15)).map(lambda t: Span(t[0], t[1], t[1] + t[2])), max_size=12)


def test_evidence_is_whole_where_one_chunk_holds_all_of_it():
    chunks = [Span("a", 0, 10), Span("a", 8, 20), Span("b", 0, 5)]
    asked = [Question("q", "?", (Span("a", 2, 10), Span("a", 5, 12), Span("a", 8, 20), Span("b", 4, 6), Span("c", 0, 1))), Question("none", "?")]
    assert held(asked, chunks) == {"q": (True, False, True, False, False), "none": ()}


@given(RANGES, RANGES)
def test_it_says_what_trying_every_chunk_says(evidence, chunks):
    asked = [Question("q", "?", tuple(evidence))]
    assert held(asked, chunks)["q"] == tuple(any(c.doc_id == e.doc_id and c.start <= e.start and e.end <= c.end for c in chunks) for e in evidence)
