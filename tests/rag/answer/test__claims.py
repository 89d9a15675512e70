"""Claims of an answer: which sentence a mark belongs to, and nothing lost or made up on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answer._claims import claims


def sources(text):
    return [(c.text, [m.source for m in c.marks]) for c in claims(text)]


def test_a_mark_belongs_to_the_sentence_before_it_also_after_its_full_stop():
    found = sources("Alpha is the one. [1] Beta is two [2]. Gamma is three [3][4]! Nothing is named here.")
    assert found == [("Alpha is the one.", [1]), ("Beta is two.", [2]), ("Gamma is three!", [3, 4]), ("Nothing is named here.", [])]


def test_a_mark_that_opens_a_paragraph_belongs_to_what_follows():
    assert sources("One claim is here. [2]\n\n[5] The next one goes on.") == [("One claim is here.", [2]), ("The next one goes on.", [5])]
    assert sources("[1] It starts with a mark.") == [("It starts with a mark.", [1])]


@pytest.mark.parametrize(("mark", "numbers"), [("[1, 3]", [1, 3]), ("[2-4]", [2, 3, 4]), ("[1; 2\u20133]", [1, 2, 3]), ("[7, 7]", [7]), ("[4-2]", [4, 2])])
def test_lists_and_ranges_name_several_sources(mark, numbers):
    assert sources(f"This is a claim {mark}.") == [("This is a claim.", numbers)]


@pytest.mark.parametrize("text", ["[a]", "[]", "[12345]", "array[i]", "[1.5]", "[?]"])
def test_what_is_no_number_of_a_source_stays_text(text):
    assert [c.marks for c in claims(f"These are four words {text}.")] == [()]


def test_short_remarks_are_no_claims_unless_they_cite():
    assert claims("Yes. No.") == []
    assert sources("Yes [1].") == [("Yes.", [1])]


def test_quotes_of_four_words_and_more_are_found():
    (claim,) = claims('He calls it "the quick brown fox" and not "a fox" [1].')
    assert claim.quotes == ("the quick brown fox",)


@given(st.text(alphabet='ab. \n[]12,-?!"', max_size=80))
def test_places_are_true_and_every_mark_is_in_exactly_one_claim(text):
    found = claims(text)
    assert [c.start for c in found] == sorted(c.start for c in found)
    places = [(m.start, m.end) for c in found for m in c.marks]
    for c in found:
        assert 0 <= c.start < c.end <= len(text)
        for m in c.marks:
            assert c.start <= m.start < m.end <= c.end
            assert text[m.start] == "["
            assert text[m.end - 1] == "]"
            assert str(m.source) in text[m.start : m.end]
    assert len(set(places)) == len({(m.start, m.end) for c in found for m in c.marks})
