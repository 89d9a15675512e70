"""The smallest parts that say something by themselves."""

from __future__ import annotations

import pytest

from rag.chunk._ruler import Ruler
from rag.chunk._units import CLAUSE, Unit, units, within

from .test_split import Counting


def parts(text: str, size: int = 40) -> list[str]:
    """Return the texts of the units, measured in characters."""
    return [text[u.start : u.end] for u in units(Counting(text), size, "english")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is here. Two is here.\nThree.", ["One is here.", "Two is here.", "Three."]),
        ("# Top\n\n## Sub\n\nOne is here. Two is here.", ["# Top\n\n## Sub\n\nOne is here.", "Two is here."]),
        ("# A heading of thirty characters\n\nOne is here.", ["# A heading of thirty characters", "One is here."]),
        ("Text.\n\n# End", ["Text.", "# End"]),
        ("- one, uno\n- two\n  more\n", ["- one, uno", "- two\n  more"]),
        ("1. First one.\n2. Second one.", ["1. First one.", "2. Second one."]),
        ("```\na = 1. Then\n\nb = 2\n```", ["```\na = 1. Then\n\nb = 2\n```"]),
        ("```\n" + "a = 1\n" * 9 + "```", ["```\n" + "a = 1\n" * 5 + "a = 1", "a = 1\na = 1\na = 1\n```"]),
        ("12.5\n\n* * *", ["12.5", "* * *"]),
        ("", []),
    ],
)  # fmt: skip
def test_what_is_a_unit(text: str, expected: list[str]) -> None:
    """Sentences, items and code; a heading with what follows it where there is room, a number with its item."""
    assert parts(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the pump starts at eight; the valve opens at nine", ["the pump starts at eight;", "the valve opens at nine"]),
        ("the pump starts at eight, and the valve opens at nine", ["the pump starts at eight,", "and the valve opens at nine"]),
        ("the pumps, the valves, the pipes and the tanks leak", ["the pumps, the valves, the pipes and the", "tanks leak"]),
        ("the pump starts at eight \u2014 the valve opens at nine", ["the pump starts at eight \u2014", "the valve opens at nine"]),
        ("the pump starts; the valve opens", ["the pump starts; the valve opens"]),
    ],
)
def test_a_sentence_that_is_too_long_is_cut_between_clauses(text: str, expected: list[str]) -> None:
    """A comma alone ends no clause; words are the last resort; what fits 40 characters stays whole."""
    assert parts(text) == expected


def test_each_row_of_a_table_is_read_behind_its_header() -> None:
    """The first row holds it already, where there is room for both."""
    text = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"
    found = units(Counting(text), 30, "english")
    assert [(text[u.start : u.end], u.lead) for u in found] == [("| a | b |\n|---|---|\n| 1 | 2 |", ""), ("| 3 | 4 |", "| a | b |")]
    tight = units(Counting(text), 20, "english")
    assert [(text[u.start : u.end], u.lead) for u in tight] == [("| a | b |\n|---|---|", ""), ("| 1 | 2 |", "| a | b |"), ("| 3 | 4 |", "| a | b |")]


def test_a_header_that_is_larger_than_a_unit_is_not_repeated() -> None:
    """A thousand rows would say it a thousand times; one long word may be a single token."""
    text = f"| {'x' * 500} |\n|---|\n| 1 |\n| 2 |"
    one_token = Ruler(text, 0, [0], [len(text)])
    for ruler in (Counting(text), one_token):
        assert {u.lead for u in units(ruler, 20, "english")} == {""}


def test_units_of_a_piece_are_cut_at_its_edges() -> None:
    """The first and last share characters with it, what is left of the last is trimmed, the others are left out."""
    text = "aaa bbb ccc ddd eee"
    found = [Unit(0, 3), Unit(4, 11, "lead"), Unit(12, 19)]
    assert within(found, text, 5, 16) == [Unit(5, 11, "lead"), Unit(12, 15)]
    assert within(found, text, 3, 4) == []
    assert within(found, text, 0, 19) == found


def test_counting_is_linear() -> None:
    """Twice the text asks the ruler at most a little more than twice, whatever the text is made of."""
    for part in ("word ", "One is here. ", "1. ", "- item\n", "# h\n", "a; b, and c ", "| a | b |\n|---|---|\n| 1 | 2 |\n", "x"):
        counts = []
        for n in (300, 600):
            ruler = Counting(part * n)
            units(ruler, 20, "english")
            counts.append(ruler.calls)
        assert counts[1] <= 2.2 * counts[0] + 20, part


def test_the_pattern_of_clauses_is_linear() -> None:
    """Looking ahead reads one word, so that the worst text is one of commas."""
    assert len(CLAUSE.findall(", an" * 50_000)) == 0
    assert len(CLAUSE.findall(", and " * 50_000)) == 50_000
