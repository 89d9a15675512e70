"""What an English text names, by its spelling alone: capitalised names, acronyms and numbers with their units."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eval.judges import numbers
from eval.judges.words import cut
from rag.text import analyzer

_UNITS = (
    "percent|per cent|degrees?|seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|centuries|century|dollars?|euros?|pounds?|tokens?|bytes?|"
    "bits?|pixels?|met(?:er|re)s?|kilomet(?:er|re)s?|miles?|feet|inch(?:es)?|grams?|kilograms?|tons?|tonnes?|lit(?:er|re)s?|watts?|volts?|"
    "ms|km|cm|mm|kg|mg|GB|MB|KB|TB|kB|GHz|MHz|Hz|kW|kWh|MW|mph|km/h"
)
_NUMBER = re.compile(rf"(?:[$\u20ac\u00a3] ?)?(?:{numbers.PATTERN})(?:\.\d+)?(?: ?(?:%|\u00b0[CF]?)|[ -](?:{_UNITS})\b)?")
_WORD = re.compile(r"[^\W_](?:[\w'\u2019.&-]{0,60}[^\W_])?")
_INSIDE = frozenset(["of", "de", "la", "van", "von", "der", "den", "del", "di", "da", "al", "bin"])  # small words within a name
_OPENED = "\"'\u201c\u2018([*_#>|- \t\n"
MOST = 6  # words of one name


def entities(text: str, language: str = "english") -> tuple[str, ...]:
    """Return the distinct names and numbers of a text, as they are first spelled, in the order of their places.

    A word that opens a sentence counts when it is an acronym, goes on with another capitalised word, or is capitalised
    within a sentence elsewhere in the text: its capital alone says nothing.
    """
    parts = [(a, b, list(_WORD.finditer(text, a, b))) for a, b in cut(text, language)]
    inner = {w[0] for a, _, words in parts for w in words if not _opens(text, a, w.start()) and _capital(w[0])}
    found: list[tuple[int, int]] = []
    for a, b, words in parts:
        found += list(_names(text, a, words, inner, language))
        found += [m.span() for m in _NUMBER.finditer(text, a, b)]
    distinct: dict[str, str] = {}
    end = 0
    for a, b in sorted(found, key=lambda place: (place[0], -place[1])):
        if a >= end:  # not the 4 of GPT-4
            end = b
            distinct.setdefault(text[a:b].casefold(), text[a:b])
    return tuple(distinct.values())


def _names(text: str, start: int, words: list[re.Match[str]], inner: set[str], language: str) -> Iterator[tuple[int, int]]:
    """Yield the place of each run of capitalised words of a sentence."""
    run: list[re.Match[str]] = []
    for word in [*words, None]:
        joined = word is not None and bool(run) and text[run[-1].end() : word.start()] == " " and len(run) < MOST
        if word is not None and joined and (_capital(word[0]) or word[0] in _INSIDE):
            run.append(word)
            continue
        yield from _closed(text, start, run, inner)
        run = [word] if word is not None and _capital(word[0]) and not _common(word[0], language) else []


def _closed(text: str, start: int, run: list[re.Match[str]], inner: set[str]) -> Iterator[tuple[int, int]]:
    """Yield a finished run as a name, unless it is one word whose capital only opens the sentence."""
    while run and run[-1][0] in _INSIDE:
        run.pop()
    if not run:
        return
    first = run[0][0]
    if len(run) == 1 and _opens(text, start, run[0].start()) and not (first in inner or _odd(first)):
        return
    possessive = run[-1][0].endswith(("'s", "\u2019s"))
    yield run[0].start(), run[-1].end() - 2 * possessive


def _opens(text: str, start: int, at: int) -> bool:
    """Whether a word is the first of its sentence, or follows a colon: there a capital is only a spelling."""
    before = text[start:at].rstrip(_OPENED)
    return not before or before[-1] in ":.!?\u2026"


def _capital(word: str) -> bool:
    return word[0].isupper() or _odd(word)


def _odd(word: str) -> bool:
    """Whether the spelling is that of a name wherever it stands: capitals after the first letter, or letters and digits (GPT-4, iPhone)."""
    return any(c.isupper() for c in word[1:]) or (word[0].isupper() and any(c.isdigit() for c in word))


def _common(word: str, language: str) -> bool:
    """Whether a word is a stop word (The, In) or a number word (Two), unless it is written in capitals (IT, WHO)."""
    return not (len(word) > 1 and word.isupper()) and (word.lower() in numbers.WORDS or not analyzer(language).terms(word))
