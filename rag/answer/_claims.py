"""An answer in prose to its claims: sentences, each with the numbers of the sources it names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.text import sentences

_MARK = re.compile(r"\[(\d{1,4}(?:\s*[,;\u2013-]\s*\d{1,4}){0,19})\]")
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
    found = []
    for n, (a, b) in enumerate(spans):
        until = spans[n + 1][0] if n + 1 < len(spans) else len(bare) + 1
        since = a if n else 0
        own = tuple(m for at, m in marks if (since < at <= until or (n == 0 and at == 0)) and not (n + 1 < len(spans) and at == until and _opens(bare, at)))
        sentence = " ".join(bare[a:b].split())
        if len(re.findall(r"\w+", sentence)) < FEWEST_WORDS and not own:
            continue
        end = max([places[b - 1] + 1, *(m.end for m in own)])
        quotes = tuple(q for q in _QUOTED.findall(sentence) if len(q.split()) >= SHORTEST_QUOTE)
        found.append(Claim(places[a], end, sentence, own, quotes))
    return found


def _opens(bare: str, at: int) -> bool:
    """Whether a mark stands right at the start of a line, where it can belong to nothing before it."""
    return bare[:at].endswith("\n\n")


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
        marks += [(length, Mark(n, match.start(), match.end())) for n in _numbers(match[1])]
    parts.append(text[last:])
    places += range(last, len(text))
    return "".join(parts), places, marks


def _numbers(inside: str) -> list[int]:
    found: list[int] = []
    for match in _NUMBER.finditer(inside):
        low, high = int(match[1]), int(match[2] or match[1])
        found += range(low, high + 1) if low <= high < low + 50 else [low, high]
    return list(dict.fromkeys(found))
