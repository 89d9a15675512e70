"""Pages: any span can be cut back out of them, wherever it begins and ends."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import StoreError
from rag.index.edge import EdgeEngine
from rag.index.pages import PAGE, page_ids, page_span, pages
from rag.types import Span

UNITS = ["a", "é", "日", "👍", "\U0001f469\u200d\U0001f467", "\r\n", "\x00", "\u2028", " "]
TEXT = "".join(UNITS[(i * i + i // 7) % len(UNITS)] for i in range(3 * PAGE))[: 3 * PAGE + 17]
BORDERS = [at + d for at in (0, PAGE, 2 * PAGE, 3 * PAGE, len(TEXT)) for d in (-1, 0, 1) if 0 <= at + d <= len(TEXT)]
AT = st.sampled_from(BORDERS) | st.integers(0, len(TEXT))


@pytest.fixture(scope="module")
def reader(lab):
    pipeline = lab.pipeline("bm25")
    with lab.index({"long.md": TEXT, "short.md": "short", "exact.md": "x" * PAGE}, pipeline) as index:
        yield index.reader(pipeline)


@settings(max_examples=200)
@given(AT, AT)
def test_the_text_of_a_span_is_the_slice_across_pages_and_astral_characters(reader, a, b):
    a, b = sorted((a, b))
    assert reader.text(Span("long.md", a, b)) == TEXT[a:b]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(AT, AT), max_size=6))
def test_texts_of_several_spans_are_those_of_each(reader, places):
    spans = [Span("long.md", *sorted(p)) for p in places] + [Span("short.md", 1, 4)]
    assert reader.texts(spans) == [*(TEXT[s.start : s.end] for s in spans[:-1]), "hor"]
    assert reader.texts([]) == []


def test_texts_of_several_spans_are_read_in_one_request(reader, monkeypatch):
    asked = []
    payloads = EdgeEngine.payloads
    monkeypatch.setattr(EdgeEngine, "payloads", lambda self, ids: asked.append(list(ids)) or payloads(self, ids))
    reader.texts([Span("long.md", 0, 5), Span("long.md", 3, PAGE + 1), Span("short.md", 0, 2)])
    assert asked == [[*page_ids("", Span("long.md", 0, 2 * PAGE)), *page_ids("", Span("short.md", 0, 2))]]


def test_a_document_as_long_as_a_page_has_one_page(reader):
    assert reader.text(Span("exact.md", 0, PAGE)) == "x" * PAGE
    assert len(list(pages("exact.md", "x" * PAGE, ""))) == 1
    assert len(list(pages("more.md", "x" * PAGE + "y", ""))) == 2
    assert list(pages("none.md", "", "")) == []


def test_a_span_outside_the_text_or_of_an_unknown_document_is_one_clear_error(reader):
    with pytest.raises(StoreError, match=r"\[0, 6\) lies outside 'short.md', which has 5 characters"):
        reader.text(Span("short.md", 0, 6))
    with pytest.raises(StoreError, match=r"no document 'none\.md'"):
        reader.text(Span("none.md", 0, 1))


def test_page_borders():
    assert page_span(Span("a", 0, PAGE)) == (0, PAGE)
    assert page_span(Span("a", PAGE - 1, PAGE + 1)) == (0, 2 * PAGE)
    assert page_span(Span("a", PAGE, PAGE + 1)) == (PAGE, 2 * PAGE)
    assert page_ids("", Span("a", 5, 5)) == []
    assert len(page_ids("", Span("a", PAGE - 1, 2 * PAGE + 1))) == 3


def test_pages_of_tenants_are_apart():
    assert set(page_ids("x", Span("a", 0, 9))).isdisjoint(page_ids("y", Span("a", 0, 9)))
    ((_, payload),) = pages("a", "text", "x")
    assert payload["tenant"] == "x"
    ((_, payload),) = pages("a", "text", "")
    assert "tenant" not in payload
