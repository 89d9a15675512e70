"""Quotations are found where they stand: the place is the one that a search for the words with any white space between finds."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from eval.judges._quotes import Quotes
from eval.judges.base import Evidence

WORDS = st.lists(st.sampled_from(["a", "ab", "cat", "at", "3", "3.5", "x,", "\u00e9", "(b)"]), min_size=1, max_size=4)
GAPS = st.sampled_from([" ", "\n", "  ", "\t\n ", "\u00a0", "\x1f", "\u2003"])
CONTEXTS = st.lists(st.tuples(st.sampled_from(["a", "ab", "cat", "at", "concat", "13", "3", "3.5", "x,", "\u00e9", "(b)", "end."]), GAPS), max_size=12)


@given(WORDS, st.lists(CONTEXTS, max_size=3))
def test_the_place_is_that_of_the_first_such_words(words, parts):
    contexts = ["".join(word + gap for word, gap in one) for one in parts]
    found = Quotes(contexts).find(" ".join(words))
    if found is None:
        return
    wanted = " ".join(words).strip(" .,").split()
    place = re.search(r"\s+".join(map(re.escape, wanted)), contexts[found.context])
    assert place is not None
    assert (found.start, found.end) == place.span()


def test_a_quotation_has_its_place_across_lines_and_within_words():
    assert Quotes(["none", "It said:\n(the  prefix\ncache) holds."]).find("the prefix cache") == Evidence(1, 10, 27)
    assert Quotes(["concat cat"]).find("cat") == Evidence(0, 3, 6)  # the first place, as ever: that it stands alone elsewhere is what counts
    assert Quotes(["concat"]).find("cat") is None
    assert Quotes(["a b"]).find("...") is None


def test_both_ways_of_telling_white_space_agree():
    assert [c for c in map(chr, range(0x110000)) if bool(re.match(r"\s", c)) != c.isspace()] == []
