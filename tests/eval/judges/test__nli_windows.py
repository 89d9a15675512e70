"""Windows of tokens: every token in one, none too long, cut at sentence ends where one is in reach."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judges._nli_windows import windows


def tokens(count):
    """Tokens of two characters with a space between: the token n stands at [3n, 3n + 2)."""
    return [(3 * n, 3 * n + 2) for n in range(count)]


def numbered(found):
    """The windows as ranges of token numbers."""
    return [(a // 3, (b + 1) // 3) for a, b in found]


def test_without_sentences_by_worked_example():
    """Ten tokens in windows of four, a new one every three; the last is not longer than what is left."""
    assert numbered(windows(tokens(10), [0], 4, 3)) == [(0, 4), (3, 7), (6, 10)]
    assert numbered(windows(tokens(9), [], 4, 4)) == [(0, 4), (4, 8), (8, 9)]
    assert numbered(windows(tokens(4), [], 4, 1)) == [(0, 4)]
    assert windows([], [0], 4, 3) == []


def test_windows_end_and_begin_with_sentences_by_worked_example():
    """Sentences at tokens 0, 3, 5 and 9 of twelve: 5 is the last start within six, 3 the last within four.

    From 5 the window would end at 9 again, within the one before, and is left out.
    """
    assert numbered(windows(tokens(12), [0, 9, 15, 27], 6, 4)) == [(0, 5), (3, 9), (9, 12)]


def test_a_sentence_begins_with_the_token_that_holds_its_first_character():
    """Some tokenizers give a token the space before it: the sentence at character 3 begins with the token at [2, 4)."""
    assert windows([(0, 2), (2, 4), (4, 8)], [0, 3], 2, 2) == [(0, 2), (2, 8)]


@pytest.mark.parametrize("stride", [0, 5])
def test_a_stride_that_leaves_gaps_is_refused(stride):
    with pytest.raises(ValueError, match="stride must be from 1 to the window's 4"):
        windows(tokens(9), [], 4, stride)


@given(st.integers(0, 200), st.sets(st.integers(0, 200)), st.integers(1, 40), st.data())
def test_every_token_is_in_a_window_and_none_is_too_long(count, sentences, size, data):
    stride = data.draw(st.integers(1, size))
    found = numbered(windows(tokens(count), sorted(3 * s for s in sentences), size, stride))
    assert {t for a, b in found for t in range(a, b)} == set(range(count))
    assert all(0 < b - a <= size for a, b in found)
    for (a, b), (c, d) in pairwise(found):
        assert a < c <= b < d
    for a, b in found:
        assert b == count or b in sentences or not sentences & set(range(a + 1, a + size + 1))
