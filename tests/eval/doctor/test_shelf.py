"""Finding a passage again: as it was, elsewhere, slightly changed, or not at all."""

from hypothesis import given
from hypothesis import strategies as st

from eval.doctor.shelf import Shelf
from rag.types import Document, Span

A = "The limit is 30 days. It applies to all orders.\n\nThe limit  is 30 days, we repeat."
B = "Elsewhere: the LIMIT is 30 days! And more text about returns follows here."
SHELF = Shelf({"a": Document("a", A), "b": Document("b", B), "c": Document("c", "Nothing of the kind.")})


def cut(span):
    return SHELF.documents[span.doc_id].text[span.start : span.end]


def test_runs_are_found_whatever_case_and_white_space():
    assert [cut(s) for s in SHELF.runs("the limit is 30 days", "a")] == ["The limit is 30 days", "The limit  is 30 days"]
    assert SHELF.runs("the limit is 31 days", "a") == []
    assert SHELF.runs("!?", "a") == []


def test_other_documents_that_hold_the_words():
    assert [cut(s) for s in SHELF.elsewhere("The limit is 30 days.", "a")] == ["the LIMIT is 30 days"]
    assert SHELF.elsewhere("the limit is 30 days", "b")[0] == Span("a", 0, 20)
    assert SHELF.elsewhere("words that nobody wrote", "a") == []


def test_a_changed_passage_is_found_with_how_alike_it_is():
    """Of "more text about returns follows below" five of six words are there, in a window of five: 2 * 5 / (6 + 5)."""
    place = SHELF.near("more text about returns follows below", "b")
    assert cut(place.span) == "more text about returns follows"
    assert place.alike == 10 / 11


def test_what_is_too_different_is_not_near():
    assert SHELF.near("completely other words than those", "b") is None
    assert SHELF.near("", "b") is None


def test_the_nearest_passage_of_all_documents():
    assert SHELF.near_anywhere("more text about returns follows below").span.doc_id == "b"
    assert SHELF.near_anywhere("zebra quagga okapi") is None


def test_frequency_counts_documents():
    assert (SHELF.frequency("limit"), SHELF.frequency("nothing"), SHELF.frequency("zebra")) == (2, 1, 0)


@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=5), st.lists(st.sampled_from("ab"), max_size=20))
def test_every_overlapping_run_is_found(wanted, text):
    shelf = Shelf({"x": Document("x", " ".join(text))})
    expected = [2 * i for i in range(len(text)) if text[i : i + len(wanted)] == wanted]
    assert [s.start for s in shelf.runs(" ".join(wanted), "x")] == expected
