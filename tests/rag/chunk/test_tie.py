"""Where statements come from."""

from __future__ import annotations

import pytest

from rag.chunk._tie import Passage
from rag.chunk._units import Unit

TEXT = "The pump weighs 3 kg. Its valve is na\u00efve \u201csteel\u201d. The pump costs 90 euros, it says. The end."
SENTENCES = ["The pump weighs 3 kg.", "Its valve is na\u00efve \u201csteel\u201d.", "The pump costs 90 euros, it says.", "The end."]
UNITS = [Unit(TEXT.index(s), TEXT.index(s) + len(s)) for s in SENTENCES]


@pytest.mark.parametrize(
    ("statement", "quote", "expected"),
    [
        ("It weighs three kilos.", "weighs 3 kg", (0, 0, "quote")),
        ("x", "Weighs\n 3  KG", (0, 0, "quote")),
        ("x", 'valve is nai\u0308ve "steel"', (1, 1, "quote")),
        ("x", "3 kg. Its valve", (0, 1, "quote")),
        ("It costs 90 euros.", "The pump", (2, 2, "quote")),
        ("x", "The pump", (0, 0, "quote")),
        ("The valve is steel.", "a valve of steel", (1, 1, "terms")),
        ("The valve is steel.", "", (1, 1, "terms")),
        ("The valve is steel, not iron or copper or tin.", "nowhere", (0, 3, "passage")),
        ("It is.", "...", (0, 3, "passage")),
        ("", "", (0, 3, "passage")),
    ],
)
def test_a_statement_is_tied_to_what_says_it(statement: str, quote: str, expected: tuple[int, int, str]) -> None:
    """By its quote, in whatever spelling, where several places have it by its terms too; else by its terms, else to all of the passage."""
    assert Passage(TEXT, UNITS, "english").tie(statement, quote) == expected


def test_half_of_the_terms_are_enough() -> None:
    """`pump` and `weigh` of four terms; of five they are not."""
    passage = Passage(TEXT, UNITS[:1], "english")
    assert passage.tie("pump weighs iron copper", "")[2] == "terms"
    assert passage.tie("pump weighs iron copper zinc", "")[2] == "passage"


def test_places_are_those_of_the_document() -> None:
    """A passage further down is found there; a ligature in it, one character of two letters, is no obstacle."""
    text = "x" * 50 + " An e\ufb03cient pump."
    passage = Passage(text, [Unit(51, len(text))], "english")
    assert passage.tie("x", "efficient pump") == (0, 0, "quote")


def test_a_quote_that_is_everywhere_is_looked_for_a_bounded_number_of_times() -> None:
    """50 places are looked at, the 51st is not, however well it fits."""
    text = "".join("The a. " for _ in range(50)) + "The zebra."
    units = [Unit(7 * i, 7 * i + 6) for i in range(50)] + [Unit(350, len(text))]
    assert Passage(text, units, "english").tie("zebra", "The") == (0, 0, "quote")
    assert Passage(text, units[1:], "english").tie("zebra", "The") == (49, 49, "quote")
