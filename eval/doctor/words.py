"""Texts as runs of words: what two of them share, and the longest run that stands in both."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from eval.judges.words import parse
from rag.text import analyzer

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text without case and punctuation, and where each begins and ends."""

    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def placed(text: str) -> Words:
    """Return the words of a text with their places."""
    found = [(match[0].casefold(), match.start(), match.end()) for match in _WORD.finditer(text)]
    return Words(tuple(w for w, _, _ in found), tuple(a for _, a, _ in found), tuple(b for _, _, b in found))


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text without case and punctuation, in order."""
    return tuple(match[0].casefold() for match in _WORD.finditer(text))


def terms(text: str, language: str = "english") -> frozenset[str]:
    """Return the stemmed content words of a text."""
    return frozenset(analyzer(language).terms(text))


def numbers(text: str) -> frozenset[str]:
    """Return the numbers of a text, in digits or English words, in one spelling (1,000 and "two" are 1000 and 2)."""
    return frozenset(unit[1:] for s in parse(text, "english") for unit in s.units if unit[0] == "#")


def negated(text: str) -> bool:
    """Return whether an English text holds an odd number of negations."""
    return sum(len(s.negations) for s in parse(text, "english")) % 2 == 1


def shared(part: Collection[str], whole: Collection[str]) -> float:
    """Return the share of `part` that is in `whole`; 0 when there is nothing to share."""
    return sum(t in whole for t in part) / len(part) if part else 0.0


def longest_run(a: Sequence[str], b: Sequence[str]) -> tuple[int, int]:
    """Return the length of the longest run of words that both have, and where it begins in `b`: the first of equals.

    Linear in `len(a) + len(b)`, by the suffix automaton of `a` (Blumer et al. 1985).
    """
    links, lengths, steps = _automaton(a)
    state = size = 0
    best = (0, 0)
    for i, word in enumerate(b):
        while state and word not in steps[state]:
            state = links[state]
            size = lengths[state]
        if word in steps[state]:
            state, size = steps[state][word], size + 1
        if size > best[0]:
            best = (size, i - size + 1)
    return best


def _automaton(words: Sequence[str]) -> tuple[list[int], list[int], list[dict[str, int]]]:
    """Return the suffix links, the lengths and the transitions of the smallest automaton that knows every run of the words."""
    links, lengths, steps = [-1], [0], [dict[str, int]()]
    last = 0
    for word in words:
        new = len(links)
        links.append(0)
        lengths.append(lengths[last] + 1)
        steps.append({})
        at = last
        while at >= 0 and word not in steps[at]:
            steps[at][word] = new
            at = links[at]
        if at >= 0:
            links[new] = _split(at, word, links, lengths, steps)
        last = new
    return links, lengths, steps


def _split(at: int, word: str, links: list[int], lengths: list[int], steps: list[dict[str, int]]) -> int:
    """Return the state that a new one links to, divided from the one that `at` leads to where that stands for longer runs too."""
    to = steps[at][word]
    if lengths[to] == lengths[at] + 1:
        return to
    copy = len(links)
    links.append(links[to])
    lengths.append(lengths[at] + 1)
    steps.append(dict(steps[to]))
    while at >= 0 and steps[at].get(word) == to:
        steps[at][word] = copy
        at = links[at]
    links[to] = copy
    return copy
