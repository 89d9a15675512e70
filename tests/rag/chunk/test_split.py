"""Cutting at separators and filling chunks."""

from __future__ import annotations

import pytest

from rag.chunk._ruler import Ruler
from rag.chunk._split import LINE, PARAGRAPH, STOP, WORD, cut, merge, split, units


class Counting(Ruler):
    """A ruler of characters that counts how often it is asked."""

    calls = 0

    def __init__(self, text: str) -> None:
        """Take a text."""
        super().__init__(text, 0, range(len(text)), range(1, len(text) + 1))

    def count(self, start: int, end: int) -> int:
        """Count, and count the counting."""
        self.calls += 1
        return super().count(start, end)


@pytest.mark.parametrize(
    ("pattern", "text", "parts"),
    [
        (PARAGRAPH, "a\nb\n\nc\r\n\r\nd\n \t\n\n\ne\u2029f", ["a\nb", "c", "d", "e", "f"]),
        (LINE, "a\nb\r\nc\rd\u2028e\x85f\x0cg", ["a", "b", "c", "d", "e", "f", "g"]),
        (STOP, 'One. "Two!" Three (3.14)? Four... five', ["One.", '"Two!"', "Three (3.14)?", "Four...", "five"]),
        (STOP, "一。「二。」三！？四", ["一。", "「二。」", "三！？", "四"]),  # noqa: RUF001  # full-width stops are the case
        (WORD, "  a b\u3000c\t\td ", ["a", "b", "c", "d"]),
        (WORD, " \n ", []),
    ],
)  # fmt: skip
def test_cut(pattern: object, text: str, parts: list[str]) -> None:
    """A separator goes with the part before it; blank parts are left out."""
    assert [text[a:b] for a, b in cut(pattern, text, 0, len(text))] == parts  # type: ignore[arg-type]  # parametrize hides the type


def test_merge_fills_each_range_until_the_next_part_would_exceed_it() -> None:
    """Parts of 3 characters at every fourth place: 7 characters hold two."""
    assert list(merge(Counting("aaa bbb ccc ddd eee"), [(i, i + 3) for i in range(0, 20, 4)], 7)) == [(0, 7), (8, 15), (16, 19)]


def test_merge_leaves_a_part_that_is_too_large_alone() -> None:
    """The middle part of 9 exceeds 7 and is joined with neither neighbour."""
    assert list(merge(Counting("a bbbbbbbbb c"), [(0, 1), (2, 11), (12, 13)], 7)) == [(0, 1), (2, 11), (12, 13)]


def test_merge_carries_whole_parts_up_to_the_overlap() -> None:
    """11 characters hold three words; of the last ones, 4 characters hold one."""
    assert list(merge(Counting("aaa bbb ccc ddd eee"), [(i, i + 3) for i in range(0, 20, 4)], 11, 4)) == [(0, 11), (8, 19)]


def test_merge_drops_the_overlap_that_leaves_no_room() -> None:
    """`cc` would fit the overlap, but not together with the next part of 9."""
    assert list(merge(Counting("aa cc ddddddddd"), [(0, 2), (3, 5), (6, 15)], 10, 5)) == [(0, 5), (6, 15)]


def test_split_counts_in_proportion_to_the_text() -> None:
    """Twice the text, at most about twice the work: 10 calls a word are not exceeded at any overlap."""
    for words in (500, 1000, 2000):
        for overlap in (0, 50, 99):
            ruler = Counting("abcd " * words)
            assert list(split(ruler, 0, len(ruler.text), 100, overlap))
            assert ruler.calls <= 10 * words


def test_units_are_sentences() -> None:
    """Those that fit are as the sentence splitter says."""
    text = "Dr. Smith left. He came back."
    assert [text[a:b] for a, b in units(Counting(text), 0, len(text), 20, "english")] == ["Dr. Smith left.", "He came back."]


def test_work_on_text_without_blank_lines_is_bounded() -> None:
    """The sentence splitter is quadratic there; it is given 2000 characters at a time, cut after a full stop."""
    text = "日本語。" * 1500
    found = units(Counting(text), 0, len(text), 4000, "english")
    assert max(b - a for a, b in found) <= 2000
    assert all(text[b - 1] == "。" for _, b in found)


def test_units_cut_a_long_sentence_at_stops_then_words_then_characters() -> None:
    """A quotation that is never closed is one sentence to the splitter; nothing here may exceed 12 characters."""
    text = '"Aa bb. Cc dd ee ff gg. Hhhhhhhhhhhhhhhhh'
    assert [text[a:b] for a, b in units(Counting(text), 0, len(text), 12, "english")] == ['"Aa bb.', "Cc dd ee ff", "gg.", "Hhhhhhhhhhhh", "hhhhh"]
