"""The ruler: counting units, windows, and cuts that part no character."""

from __future__ import annotations

import pytest

from rag.chunk._ruler import Ruler, measure, parts_character
from rag.runtime import Runtime
from rag.types import Document


def characters(text: str) -> Ruler:
    """Return a ruler whose units are characters."""
    return Ruler(text, 0, range(len(text)), range(1, len(text) + 1))


def test_count_takes_units_that_lie_partly_inside() -> None:
    """Units at [0,2) [3,5) [5,9): the range [4,6) touches the last two, [2,3) none."""
    ruler = Ruler("ab cdefgh", 0, [0, 3, 5], [2, 5, 9])
    assert [ruler.count(4, 6), ruler.count(2, 3), ruler.count(0, 9), ruler.count(0, 3)] == [2, 0, 3, 1]


def test_text_between_units_goes_with_the_one_before() -> None:
    """Characters 2 and 3 belong to no unit; without the rule they would be lost."""
    assert list(Ruler("ab!?cd", 0, [0, 4], [2, 6]).windows(0, 6, 1)) == [(0, 4), (4, 6)]


def test_text_before_the_first_unit_goes_with_it() -> None:
    """Leading characters that no unit covers are in the first window."""
    assert list(Ruler("!!ab", 0, [2], [4]).windows(0, 4, 1)) == [(0, 4)]


@pytest.mark.parametrize(
    ("text", "at", "parts"),
    [
        ("ab", 1, False), ("e\u0301", 1, True), ("\r\n", 1, True), ("\n\r", 1, False), ("👩\u200d👧", 1, True), ("👩\u200d👧", 2, True), ("👍🏽", 1, True),
        ("❤\ufe0f", 1, True), (" \u0301", 1, False), ("कि", 1, True), ("ab", 0, False), ("ab", 2, False), ("日本", 1, False),
    ],
)  # fmt: skip
def test_parts_character(text: str, at: int, parts: bool) -> None:
    """Marks, joiners, skin tones, selectors and CR LF stay with what is before them."""
    assert parts_character(text, at) is parts


def test_a_cut_moves_back_before_a_marked_letter() -> None:
    """Two characters at a time, but b with its accent stays one."""
    assert list(characters("ab\u0301cd").windows(0, 5, 2)) == [(0, 1), (1, 3), (3, 5)]


def test_a_cluster_longer_than_the_window_is_cut_all_the_same() -> None:
    """A family of five code points does not fit into two, so the windows are plain."""
    assert list(characters("👩\u200d👩\u200d👧x").windows(0, 6, 2)) == [(0, 2), (2, 4), (4, 6)]


def test_several_units_of_one_character_stay_together(runtime: Runtime) -> None:
    """MiniLM makes 3, 3 and 2 tokens of three Hangul syllables: 4 tokens hold one syllable."""
    ruler = measure(Document("d", "한국어"), runtime, "tokens", "all-MiniLM-L6-v2")
    assert [ruler.count(i, i + 1) for i in range(3)] == [3, 3, 2]
    assert list(ruler.windows(0, 3, 4)) == [(0, 1), (1, 2), (2, 3)]


def test_a_character_of_more_units_than_the_window_is_not_cut(runtime: Runtime) -> None:
    """One syllable of three tokens is a piece of its own where two are asked for."""
    ruler = measure(Document("d", "한국어"), runtime, "tokens", "all-MiniLM-L6-v2")
    assert list(ruler.windows(0, 3, 2)) == [(0, 1), (1, 2), (2, 3)]


def test_tokens_are_those_of_the_body(runtime: Runtime) -> None:
    """Front matter is not tokenised, offsets are shifted by it."""
    ruler = measure(Document("d", "k: v\nbody text", body=5), runtime, "tokens", "all-MiniLM-L6-v2")
    assert (ruler.count(0, 5), ruler.count(5, 9), ruler.count(5, 14)) == (0, 1, 2)


def test_units_out_of_order_are_sorted() -> None:
    """A tokenizer whose normalizer reorders marks still gives offsets that bisection can search."""

    class Reordering:
        def offsets(self, text: str) -> list[tuple[int, int]]:
            return [(0, 1), (2, 3), (1, 2), (3, 4)]

    class Fake:
        def tokenizer(self, name: str) -> Reordering:
            return Reordering()

    ruler = measure(Document("d", "abcd"), Fake(), "tokens", "any")  # type: ignore[arg-type]  # a stand-in with the one method
    assert list(ruler.windows(0, 4, 3)) == [(0, 3), (3, 4)]
