"""The values of a pipeline: spans are ordered, digests see exactly what can change an index."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.types import Context, Document, Span, Step

spans = st.builds(lambda doc, a, n: Span(doc, a, a + n), st.sampled_from("ab"), st.integers(0, 30), st.integers(0, 30))


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (5, 4), (-2, -1)])
def test_a_span_outside_or_backwards_is_refused_by_name(start: int, end: int) -> None:
    with pytest.raises(ValueError, match=rf"span \[{start}, {end}\) of 'd' is not ordered"):
        Span("d", start, end)


def test_overlap_by_worked_examples() -> None:
    assert len(Span("d", 3, 10)) == 7
    assert Span("d", 0, 5).overlap(Span("d", 3, 9)) == 2
    assert Span("d", 0, 9).overlap(Span("d", 3, 5)) == 2
    assert Span("d", 0, 3).overlap(Span("d", 3, 5)) == 0  # half-open: they touch and share nothing
    assert Span("d", 0, 3).overlap(Span("e", 0, 3)) == 0


@given(spans, spans)
def test_overlap_counts_the_shared_characters(a: Span, b: Span) -> None:
    shared = set(range(a.start, a.end)) & set(range(b.start, b.end)) if a.doc_id == b.doc_id else set()
    assert a.overlap(b) == b.overlap(a) == len(shared)


def test_values_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Span("d", 0, 1).end = 2  # type: ignore[misc]  # that is what is tested


BASE = Document("d", "text", {"a": "1"}, "title", 2, "file", 1.0)


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Text"},
        {"title": ""},
        {"body": 3},
        {"meta": {"a": 1}},
        {"meta": {"a": True}},
        {"meta": {"a": ("1",)}},
        {"meta": {"b": "1"}},
        {"text": "textt", "title": "itle"},
    ],
)
def test_digest_sees_what_can_change_an_index(change: dict[str, object]) -> None:
    assert replace(BASE, **change).digest != BASE.digest  # type: ignore[arg-type]  # fields of several types


def test_digest_ignores_where_and_when_a_document_was_read_and_the_order_of_its_metadata() -> None:
    assert replace(BASE, source="elsewhere", modified=2.0).digest == BASE.digest
    assert replace(BASE, meta={"a": 1, "b": 2}).digest == replace(BASE, meta={"b": 2, "a": 1}).digest


def test_digest_takes_any_text() -> None:
    assert Document("d", "\ud800").digest != Document("d", "?").digest


def test_walk_yields_a_step_before_the_steps_below_it() -> None:
    tree = Step("a", "", 0, {}, (Step("b", "", 0, {}, (Step("c", "", 0),)), Step("d", "", 0)))
    assert [s.stage for s in tree.walk()] == ["a", "b", "c", "d"]


def test_an_empty_context_shows_no_spans() -> None:
    assert Context((), "", 0).spans == ()
