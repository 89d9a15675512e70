"""Requirements on shared texts and spans: JSON that cannot leave its element, one number per thing, bytes that add up."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from eval.report.pool import Pool, dumps, rough, short
from rag.types import Span


@given(st.text())
def test_json_on_a_page_says_the_same_and_holds_nothing_that_markup_starts_with(text):
    written = dumps({"x": [text]})
    assert json.loads(written) == {"x": [text]}
    assert not set("<>&\u2028\u2029") & set(written)


def test_json_escapes_are_those_of_json():
    assert dumps("</script>&\u2028") == '"\\u003c/script\\u003e\\u0026\\u2028"'


def test_numbers_are_short_and_whole_where_they_are_whole():
    assert [short(v) for v in (1.0, 2 / 3, -0.5, 1e-9)] == [1, 0.666667, -0.5, 0]
    assert [rough(v) for v in (15.26161, 0.0349999, 1234567.0)] == [15.26, 0.035, 1235000]


def test_what_is_equal_has_one_number_and_spans_are_read_back_in_threes():
    pool = Pool()
    assert [pool.text("a"), pool.text("b"), pool.text("a")] == [0, 1, 0]
    assert [pool.span(Span("y.md", 3, 9)), pool.place({"doc_id": "x.md", "start": 0, "end": 5}), pool.span(Span("y.md", 3, 9))] == [0, 1, 0]
    assert pool.docs == ["y.md", "x.md"]
    assert pool.spans == [0, 3, 9, 1, 0, 5]


def test_texts_are_made_visible_character_for_character():
    pool = Pool()
    pool.text("a\N{RIGHT-TO-LEFT OVERRIDE}b\x07\N{GRINNING FACE}")
    assert pool.texts == ["a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}\N{GRINNING FACE}"]


@given(st.lists(st.text(), max_size=20), st.lists(st.tuples(st.sampled_from(["a", "<b>"]), st.integers(0, 10**6)), max_size=20))
def test_bytes_used_are_at_least_those_written_but_for_brackets_and_little_more(texts, places):
    pool = Pool()
    for text in texts:
        pool.text(text)
    for doc, at in places:
        pool.span(Span(doc, at, at + 5))
    written = sum(len(dumps(part).encode()) - 2 for part in (pool.texts, pool.docs, pool.spans))
    assert written <= pool.used <= written + 3 + 20 * len(pool.docs)
