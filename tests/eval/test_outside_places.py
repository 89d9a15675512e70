"""Finding given texts in a corpus: the same places as a search of every document, in one pass."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eval.outside_places as module
from eval.outside_places import SEVERAL, Place, locate
from rag.types import Document, Span

LETTERS = st.text(alphabet="ab \n\u00a0", max_size=80)


def squeezed(text: str) -> str:
    return "".join(c for c in text if not c.isspace())


def brute(text: str, doc: str | None, documents: list[Document]) -> list[Span]:
    """Return every place of a text, compared without white space, by trying each start."""
    found = []
    for d in documents:
        where = [i for i, c in enumerate(d.text) if not c.isspace()]
        letters, wanted = squeezed(d.text), squeezed(text)
        for i in range(len(letters) - len(wanted) + 1):
            if wanted and letters[i : i + len(wanted)] == wanted and doc in (None, d.id):
                found.append(Span(d.id, where[i], where[i + len(wanted) - 1] + 1))
    return found


@settings(deadline=None)  # files and first imports take as long as they take
@given(
    st.lists(LETTERS, min_size=1, max_size=4), st.lists(st.tuples(LETTERS, st.sampled_from([None, "0", "2", "none"])), min_size=1, max_size=6), st.booleans()
)
def test_every_place_is_found_and_no_other(texts: list[str], wanted: list[tuple[str, str | None]], small: bool) -> None:
    """Also where documents are hashed in parts."""
    documents = [Document(str(i), t) for i, t in enumerate(texts)]
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setattr(module, "_BATCH", 10)
        got = locate(wanted, documents)
    for (text, doc), place in zip(wanted, got, strict=True):
        expected = brute(text, doc, documents)
        if place.span is None:
            assert place.times == len(expected)
            assert place.doc == (expected[0].doc_id if len({s.doc_id for s in expected}) == 1 else None)
            continue
        exact = [s for s in expected if documents[int(s.doc_id)].text[s.start : s.end] == text.strip()]
        chosen = expected if len(expected) == 1 else exact
        assert len(chosen) == 1
        assert place.span.doc_id == place.doc == chosen[0].doc_id
        assert place.span.start <= chosen[0].start
        assert place.span.end >= chosen[0].end
        assert squeezed(documents[int(place.doc)].text[place.span.start : place.span.end]) == squeezed(text)


def test_one_place_with_other_white_space() -> None:
    document = Document("d", "One two\n\n  three four")
    assert locate([("two three", None)], [document]) == [Place(Span("d", 4, 16), "d", 1)]


def test_the_place_that_is_the_same_letter_for_letter_wins() -> None:
    documents = [Document("a", "x two\nthree y"), Document("b", "two three")]
    assert locate([("two three", None), ("two\nthree", None), ("two  three", None)], documents) == [
        Place(Span("b", 0, 9), "b", 1), Place(Span("a", 2, 11), "a", 1), Place(None, None, 2),
    ]  # fmt: skip


def test_white_space_at_the_ends_belongs_to_the_place_where_the_document_has_it() -> None:
    document = Document("d", "ab \n cd ef")
    assert [p.span for p in locate([("\n cd ", None), ("  cd", None)], [document])] == [Span("d", 3, 8), Span("d", 5, 7)]


def test_a_text_does_not_run_over_from_one_document_to_the_next() -> None:
    assert locate([("one two", None)], [Document("a", "one"), Document("b", "two")]) == [Place(None, None, 0)]


def test_places_beyond_those_looked_at_are_counted_and_their_one_document_known() -> None:
    document = Document("d", "ab" * (SEVERAL + 5))
    assert locate([("ab", None)], [document]) == [Place(None, "d", SEVERAL + 5)]


def test_texts_whose_hashes_all_collide_are_told_apart() -> None:
    """Thue-Morse words of 2^11 letters have the same polynomial hash modulo 2^64 for every odd base; comparing letters settles it."""
    word, other = "a", "b"
    for _ in range(11):
        word, other = word + other, other + word
    start = "x" * 64  # as many as are looked for first
    assert locate([(start + word, None)], [Document("d", start + other)]) == [Place(None, None, 0)]
    assert locate([(start + word, None)], [Document("d", start + word)]) == [Place(Span("d", 0, 64 + len(word)), "d", 1)]


def test_half_a_surrogate_pair_in_a_document_does_no_harm() -> None:
    assert locate([("two", None)], [Document("d", "one \ud800 two")])[0].span == Span("d", 6, 9)
