"""Pairs of passages of different documents that speak of the same rare thing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from eval.doctor.shelf import Shelf
from eval.synthesis.sections import Section

FEWEST, MOST = 2, 5  # documents that a shared term may stand in
PER_TERM = 3  # pairs of one term at most
_WORD = re.compile(r"\w[\w-]*\w")


@dataclass(frozen=True)
class Pair:
    """Two sections of different documents and the rare word that both hold, as the first spells it."""

    a: Section
    b: Section
    term: str


def pairs(sections: Sequence[Section], shelf: Shelf) -> dict[str, list[Pair]]:
    """Return the pairs by the document of their first section, each two sections once, with the rarest word they share (of equals the longest).

    A word counts when it has at least four letters, or is written like a name (BM25, HNSW).
    """
    holders: dict[str, dict[str, tuple[Section, str]]] = defaultdict(dict)
    for section in sections:
        for match in _WORD.finditer(section.text):
            if _telling(match[0]):
                holders[match[0].casefold()].setdefault(section.document.id, (section, match[0]))
    found: dict[str, list[Pair]] = {}
    seen: set[tuple[str, str]] = set()
    for term in sorted(holders, key=lambda t: (len(holders[t]), -len(t), t)):
        held = list(holders[term].values())
        if not FEWEST <= len(held) <= MOST or not all(shelf.frequency(part) <= MOST for part in _rarest(term, shelf)):
            continue
        for (a, spelled), (b, _) in [(x, y) for i, x in enumerate(held) for y in held[i + 1 :]][:PER_TERM]:
            if (a.place, b.place) not in seen:
                seen.add((a.place, b.place))
                found.setdefault(a.document.id, []).append(Pair(a, b, spelled))
    return found


def _telling(word: str) -> bool:
    return not word.isdigit() and (len(word) >= 4 or sum(c.isupper() or c.isdigit() for c in word) >= 2)


def _rarest(term: str, shelf: Shelf) -> list[str]:
    """Return the rarest part of a word with hyphens; the word itself otherwise."""
    parts = re.findall(r"\w+", term)
    return sorted(parts, key=shelf.frequency)[:1]
