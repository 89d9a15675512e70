"""Packing: never over the budget by the tokenizer's own count, true slices, and sources that are what their numbers say."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.models.files import BUNDLED
from rag.pack.budget import Budget, arrange
from rag.types import Chunk, Document, Hit, Query, Span

FRAGMENTS = ["word ", "retrieval ", "unaffableness ", "日本語", "👩\u200d👧 ", "\n\n", "[3] ", "3.14 ", "x" * 120 + " ", "ﬀ", "e\u0301", "\x00", "-- "]
LONG = "Title that is long " * 30
DOCUMENTS = {
    "a.md": Document("a.md", "".join(FRAGMENTS[(n * n + n // 3) % len(FRAGMENTS)] for n in range(300))),
    "folder/b_long-name.v2.md": Document("folder/b_long-name.v2.md", "plain words go on and on " * 60, title="A title"),
    "c.md": Document("c.md", "Some sentence with a few tokens. " * 40, title=LONG),
}


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index(DOCUMENTS.values()) as index:
        yield index.reader(index.pipeline)


def hit(doc_id, start, end, score=1.0):
    text = DOCUMENTS[doc_id].text[start:end]
    assert text
    return Hit(Chunk(f"{doc_id}:{start}:{end}", Span(doc_id, start, start + len(text)), text, text), score, "bm25")


def pack(reader, hits, **parameters):
    return Budget(**parameters).pack(tuple(hits), Query("q"), reader)


def count(reader, text):
    return reader.runtime.tokenizer(BUNDLED).count(text)


SPANS = st.tuples(st.sampled_from(sorted(DOCUMENTS)), st.integers(0, 900), st.integers(1, 500))


@settings(max_examples=120, deadline=None)
@given(
    st.lists(SPANS, max_size=12),
    st.integers(16, 400),
    st.sampled_from(["score", "ends", "document"]),
    st.none() | st.integers(16, 500),
    st.floats(0.05, 1),
    st.integers(0, 5),
)
def test_laws(reader, spans, tokens, order, window, share, limit):
    hits = [hit(d, a, a + n) for d, a, n in spans if DOCUMENTS[d].text[a : a + n]]
    context = pack(reader, hits, tokens=tokens, order=order, window=window, share=share, limit=limit)
    budget = tokens if window is None else min(tokens, int(share * window))
    assert context.tokens == count(reader, context.text) <= budget
    assert len(context.hits) <= (limit or len(hits))
    for shown in context.hits:
        span = shown.chunk.span
        assert shown.chunk.text == DOCUMENTS[span.doc_id].text[span.start : span.end] != ""
    blocks = [
        f"[{n}] {(DOCUMENTS[h.chunk.span.doc_id].title + ' — ').removeprefix(' — ')}{h.chunk.span.doc_id}\n{h.chunk.text}"
        for n, h in enumerate(context.hits, 1)
    ]
    assert context.text == "\n\n".join(blocks)
    assert {h.chunk.id for h in context.hits} <= {h.chunk.id for h in hits}
    assert context.cut in (0, 1)
    for one in context.hits:
        assert not any(one is not other and one.chunk.span == other.chunk.span for other in context.hits)


def test_sources_are_numbered_in_the_order_shown_with_title_and_document(reader):
    context = pack(reader, [hit("folder/b_long-name.v2.md", 0, 11), hit("a.md", 0, 5)])
    assert context.text == "[1] A title — folder/b_long-name.v2.md\nplain words\n\n[2] a.md\n" + DOCUMENTS["a.md"].text[:5]
    assert [len(re.findall(rf"^\[{n}\] ", context.text, re.MULTILINE)) for n in (1, 2, 3)] == [1, 1, 0]


def test_ends_puts_the_best_first_the_second_best_last_and_so_on_inwards():
    assert arrange([1, 2, 3, 4, 5], "ends") == [1, 3, 5, 4, 2]  # type: ignore[list-item]  # any values have an order
    assert arrange([1, 2, 3, 4], "ends") == [1, 3, 4, 2]  # type: ignore[list-item]  # as above
    assert arrange([1], "ends") == [1]  # type: ignore[list-item]  # as above
    assert arrange([], "ends") == []


def test_document_order_follows_the_source_text(reader):
    hits = [hit("c.md", 0, 9), hit("a.md", 50, 60), hit("a.md", 0, 10)]
    assert [h.chunk.span for h in pack(reader, hits, order="document").hits] == [hits[2].chunk.span, hits[1].chunk.span, hits[0].chunk.span]
    assert [h.chunk.span for h in pack(reader, hits).hits] == [h.chunk.span for h in hits]


def test_the_order_shown_does_not_change_what_is_chosen(reader):
    hits = [hit("folder/b_long-name.v2.md", 100 * n, 100 * n + 90) for n in range(10)]
    chosen = [{h.chunk.id for h in pack(reader, hits, tokens=150, order=order).hits} for order in ("score", "ends", "document")]
    assert chosen[0] == chosen[1] == chosen[2] == {h.chunk.id for h in hits[: len(chosen[0])]}
    assert 1 < len(chosen[0]) < 10


def test_the_budget_is_the_smaller_of_tokens_and_the_share_of_the_window():
    assert Budget(tokens=500).budget == 500
    assert Budget(tokens=500, window=1000, share=0.3).budget == 300
    assert Budget(tokens=500, window=4000, share=0.3).budget == 500


def test_the_first_hit_alone_is_cut_at_a_token_and_stays_a_true_slice(reader):
    first, second = hit("folder/b_long-name.v2.md", 0, 500), hit("a.md", 0, 300)
    context = pack(reader, [first, second], tokens=40)
    (shown,) = context.hits
    assert (context.cut, context.dropped) == (1, 1)
    assert first.chunk.text.startswith(shown.chunk.text)
    assert shown.chunk.text[-1].isalnum()
    assert first.chunk.text[len(shown.chunk.text)] == " "
    assert 38 <= context.tokens <= 40


def test_a_later_smaller_hit_may_fit_where_a_large_one_did_not(reader):
    small, large, last = hit("a.md", 0, 20), hit("folder/b_long-name.v2.md", 0, 1400), hit("folder/b_long-name.v2.md", 0, 5)
    context = pack(reader, [small, large, last], tokens=60)
    assert [h.chunk.id for h in context.hits] == [small.chunk.id, last.chunk.id]
    assert (context.dropped, context.cut) == (1, 0)


def test_a_source_whose_title_leaves_no_room_is_dropped_and_not_shown_over_budget(reader):
    other = hit("a.md", 0, 10)
    context = pack(reader, [hit("c.md", 0, 300), other], tokens=40)
    assert [h.chunk.id for h in context.hits] == [other.chunk.id]
    assert (context.dropped, context.cut) == (1, 0)


def test_a_span_that_an_earlier_source_shows_in_full_is_left_out_and_one_that_overlaps_is_not(reader):
    wide, inside, beyond = hit("a.md", 100, 200), hit("a.md", 120, 150), hit("a.md", 150, 250)
    assert [h.chunk.id for h in pack(reader, [wide, inside, beyond]).hits] == [wide.chunk.id, beyond.chunk.id]
    assert [h.chunk.id for h in pack(reader, [inside, wide]).hits] == [inside.chunk.id, wide.chunk.id]
    assert pack(reader, [wide, wide]).dropped == 0


def test_what_a_cut_source_no_longer_shows_may_come_again(reader):
    first, tail = hit("folder/b_long-name.v2.md", 0, 1400), hit("folder/b_long-name.v2.md", 1390, 1396)
    shown = pack(reader, [first, tail], tokens=60)
    assert shown.cut == 1
    assert len(shown.hits) + shown.dropped == 2


def test_the_limit_caps_the_sources(reader):
    hits = [hit("a.md", 20 * n, 20 * n + 19) for n in range(6)]
    assert len(pack(reader, hits, limit=2).hits) == 2
    assert len(pack(reader, hits).hits) == 6


def test_no_hits_is_an_empty_context(reader):
    context = pack(reader, [])
    assert (context.hits, context.text, context.tokens, context.dropped, context.cut) == ((), "", 0, 0, 0)


def test_parameters_out_of_bounds_are_refused():
    for bad in ({"tokens": 15}, {"limit": -1}, {"window": 8}, {"share": 0.0}, {"share": 1.1}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            Budget(**bad)
