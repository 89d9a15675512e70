"""Numbers are the same however they are spelled."""

import re

import pytest

from eval.judges.numbers import PATTERN, decades, spelled


def found(text):
    """All numbers that the pattern finds in a text, under their one spelling."""
    return [number for match in re.finditer(PATTERN, text) for number in spelled(match[0])]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,000 and 1000 and 1000.0", ["1000", "1000", "1000"]),
        ("12% of 12 percent", ["12", "12"]),
        (".5 or 0.50", ["0.5", "0.5"]),
        ("4k, 4,000, 32K", ["4000", "4000", "32000"]),
        ("7B and 7 billion and 1.5 million", ["7000000000", "7000000000", "1500000"]),
        ("10ms, 1990s, 3rd", ["10", "1990", "3"]),
        ("version 3.11.2", ["3.11.2"]),
        ("2019-12-01", ["2019", "12", "1"]),
        ("pages 10-20, rows 1,2", ["10", "20", "1", "2"]),
        ("0 and 000 and 0.0", ["0", "0", "0"]),
        ("BM25 on an H100", []),
        ("ends with 30.", ["30"]),
    ],
)
def test_one_spelling(text, numbers):
    """Thousands commas, trailing zeros, scales and units do not tell numbers apart; words with digits are no numbers."""
    assert found(text) == numbers


def test_number_words():
    """Zero to twenty, tens, and ordinals from third on."""
    assert [spelled(w) for w in ("five", "Twelve", "ninety", "zero", "third")] == [("5",), ("12",), ("90",), ("0",), ("3",)]


def test_endless_digits_stay_text():
    """A number longer than any number is compared as it stands."""
    assert spelled("9" * 5000) == ("9" * 5000,)


def test_the_decade_of_a_year():
    """1943 is of the 1940s; 30, 9000 and 12.5 are no years."""
    assert decades(("1943", "30", "9000", "12.5")) == ("1940s",)
