"""An answer in prose to its claims: sentences, each with the numbers of the sources it names."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from rag.text import sentences

_MARK = re.compile(r"[ \t]{0,8}\[(\d{1,4}(?:\s*[,;\u2013-]\s*\d{1,4}){0,19})\]")
_NUMBER = re.compile(r"(\d{1,4})(?:\s*[\u2013-]\s*(\d{1,4}))?")
_QUOTED = re.compile(r"[\"\u201c\u201e]([^\"\u201c\u201d\u201e\n]{1,1000})[\"\u201d\u201c]")
FEWEST_WORDS = 3  # what is shorter is no claim: a heading, "Yes."
SHORTEST_QUOTE = 4  # words; fewer in quotation marks are a term, not a quotation


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters `[start, end)` of an answer that name a source."""

    source: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer: characters `[start, end)`, its text without marks, the sources it names, and what it quotes."""

    start: int
    end: int
    text: str
    marks: tuple[Mark, ...] = ()
    quotes: tuple[str, ...] = ()


def claims(text: str, language: str = "english") -> list[Claim]:
    """Return the claims of an answer in order. A mark belongs to the sentence before it, also after its full stop; `[2-4]` names three."""
    bare, places, marks = _without_marks(text)
    spans = sentences(bare, language)
    own: dict[int, list[Mark]] = {}
    for at, mark in marks:
        own.setdefault(_owner(at, spans, bare), []).append(mark)
    found = []
    for n, (a, b) in enumerate(spans):
        sentence, named = " ".join(bare[a:b].split()), own.get(n, [])
        if len(re.findall(r"\w+", sentence)) < FEWEST_WORDS and not named:
            continue
        end = max([places[b - 1] + 1, *(m.end for m in named)])
        quotes = tuple(q for q in _QUOTED.findall(sentence) if len(q.split()) >= SHORTEST_QUOTE)
        found.append(Claim(min([places[a], *(m.start for m in named)]), end, sentence, tuple(named), quotes))
    return found


def _owner(at: int, spans: Sequence[tuple[int, int]], bare: str) -> int:
    """Return the sentence that a mark at a place belongs to: the one it is in or behind on the same line, else the next."""
    before = bisect_left(spans, (at, -1)) - 1
    if before < 0 or ("\n" in bare[spans[before][1] : at] and before + 1 < len(spans)):
        return before + 1
    return before


def _without_marks(text: str) -> tuple[str, list[int], list[tuple[int, Mark]]]:
    """Return the text without marks, for each of its characters the place in `text`, and the marks with where they were in it."""
    parts: list[str] = []
    places: list[int] = []
    marks: list[tuple[int, Mark]] = []
    last = length = 0
    for match in _MARK.finditer(text):
        before = text[last : match.start()]
        parts.append(before)
        places += range(last, match.start())
        length += len(before)
        last = match.end()
        marks += [(length, Mark(n, match.start(1) - 1, match.end())) for n in _numbers(match[1])]
    parts.append(text[last:])
    places += range(last, len(text))
    return "".join(parts), places, marks


def _numbers(inside: str) -> list[int]:
    found: list[int] = []
    for match in _NUMBER.finditer(inside):
        low, high = int(match[1]), int(match[2] or match[1])
        found += range(low, high + 1) if low <= high < low + 50 else [low, high]
    return list(dict.fromkeys(found))
