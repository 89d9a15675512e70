"""Finds where in a passage a statement that a model made of it comes from."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Literal

from rag.chunk._units import Unit
from rag.text import analyzer

Tied = Literal["quote", "terms", "passage"]
SHARE = 0.5  # of a statement's terms that a sentence must hold to be where it comes from
_MOST = 50  # places of one quote that are looked at


class Passage:
    """A piece of a document, its units, and what of it quotes are compared with."""

    def __init__(self, text: str, units: Sequence[Unit], language: str) -> None:
        """Take the document's text and the units of the piece, in order, at least one."""
        self._units = units
        self._letters, self._places = _folded(text[units[0].start : units[-1].end], units[0].start)
        self._terms = analyzer(language).terms
        self._held = [frozenset(self._terms(text[u.start : u.end])) for u in units]

    def tie(self, statement: str, quote: str) -> tuple[int, int, Tied]:
        """Return the first and the last unit that a statement comes from, and how they were found.

        `quote`: the units that hold its quote, compared letter by letter without case, accents, space and punctuation; of several
        places the one with most of the statement's terms. `terms`: the unit with most of its terms, at least half of them, where the
        quote is nowhere. Else `passage`: all of it, since that is what the model was shown. Earlier places go before later ones.
        """
        wanted = frozenset(self._terms(statement))
        if ranges := list(dict.fromkeys(self._occurrences(quote))):
            shared = [sum(len(wanted & held) for held in self._held[a : b + 1]) for a, b in ranges]
            return *ranges[shared.index(max(shared))], "quote"
        counts = [len(wanted & held) for held in self._held]
        best = counts.index(max(counts))
        if wanted and counts[best] >= SHARE * len(wanted):
            return best, best, "terms"
        return 0, len(self._units) - 1, "passage"

    def _occurrences(self, quote: str) -> Iterator[tuple[int, int]]:
        """Yield the units of each place that a quote is found in, at most `_MOST` of them."""
        wanted, _ = _folded(quote, 0)
        at = self._letters.find(wanted) if wanted else -1
        for _ in range(_MOST):
            if at < 0:
                return
            first = bisect_right(self._units, self._places[at], key=lambda u: u.end)
            yield first, bisect_right(self._units, self._places[at + len(wanted) - 1], key=lambda u: u.start) - 1
            at = self._letters.find(wanted, at + 1)


def _folded(text: str, offset: int) -> tuple[str, list[int]]:
    """Return the letters and digits of a text without case and accents, and where each stands."""
    letters: list[str] = []
    places: list[int] = []
    for i, c in enumerate(text, start=offset):
        for letter in unicodedata.normalize("NFKD", c).casefold():
            if letter.isalnum():
                letters.append(letter)
                places.append(i)
    return "".join(letters), places
