"""How texts are cut into sentences and read, for the embedded judge."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from eval.judges.words import cut, merged, parse


def read(text):
    """The one sentence of a text."""
    (sentence,) = parse(text, "english")
    return sentence


def test_content_words_are_stemmed_and_stop_words_dropped():
    """What BM25 counts, without negations and numbers."""
    assert read("The systems are not indexing five documents").terms == {"system", "index", "document"}


def test_list_items_and_table_rows_stand_alone_with_their_label():
    """A bullet or a number belongs to the sentence that follows it."""
    text = "Steps:\n1. Use shards.\n2. Merge them.\n- dogs\n| a | b |"
    assert [text[a:b] for a, b in cut(text, "english")] == ["Steps:", "1. Use shards.", "2. Merge them.", "- dogs", "| a | b |"]
    assert read("1. Use shards.").mentioned == frozenset()


def test_numbers_held_to_and_numbers_mentioned():
    """Names (COVID-19), ordinal words and "one" are mentioned, but no claim is held to them."""
    sentence = read("One of the 30 COVID-19 cases was the third")
    assert sentence.numbers == {"30"}
    assert sentence.mentioned == {"1", "30", "19", "3"}


def test_a_negation_reaches_its_neighbours_only():
    """The term before and the four after, not past a stop."""
    assert read("Alpha is not beta; gamma delta").negations == (frozenset({"alpha", "beta"}),)
    assert read("no one two2 three3 four4 five5 six6").negations == (frozenset({"two2", "three3", "four4", "five5"}),)


def test_which_words_negate():
    """Contractions with either apostrophe; neither-nor once; "not only" never."""
    for text in ("It isn't hot", "It isn\u2019t hot", "It cannot heat", "Never hot", "Without heat", "Neither hot nor cold"):
        assert len(read(text).negations) == 1, text
    assert read("It is not only hot").negations == ()


def test_a_decade_stands_for_each_of_its_years():
    """A claim about the 1940s is held to the decade, one about 1943 to the year; a text with the year mentions both."""
    assert read("It was written in the 1940s").numbers == {"1940s"}
    assert read("It was written in 1943").numbers == {"1943"}
    assert read("It was written in 1943").mentioned == {"1943", "1940s"}


def test_what_denies_without_a_negation():
    """Words such as "lacks" and "only" say no; units are terms and numbers, without the decades."""
    assert [read(t).denies for t in ("It lacks heat", "Only heat", "No heat", "Heat alone", "Heat in 1943")] == [True, True, True, False, False]
    assert read("Heat in 1943").units == {"heat", "#1943"}


def test_several_sentences_as_one():
    """Terms, numbers and negations of all of them."""
    one = merged(parse("Alpha has 3. Beta is not safe.", "english"))
    assert (one.terms, one.numbers, len(one.negations), one.denies) == ({"alpha", "beta", "safe"}, {"3"}, 1, True)


@given(st.text(max_size=200) | st.lists(st.sampled_from(["- ", "1. ", "\n", "a b. ", "[1]", "| "]), max_size=12).map("".join))
def test_sentences_are_ordered_and_disjoint(text):
    """Any text is cut without overlap and read without error."""
    found = parse(text, "english")
    assert all(s.start < s.end for s in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
