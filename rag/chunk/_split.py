"""Cuts ranges of a text at separators and fills chunks with the parts: what the size-bound chunkers share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.chunk._ruler import Range, Ruler
from rag.text import sentences, trim

# A separator goes with the part before it, and the white space between two parts with neither. Every pattern begins with
# a single character and is followed by nothing that can fail after a long run, so matching is linear.
PARAGRAPH = re.compile(r"\n[^\S\n]*\n|\r\r|\u2029")
LINE = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Latin stops with their closing quotes and brackets count before white space, CJK and Devanagari ones anywhere.
STOP = re.compile(r"[.!?\u2026][\"'\u201d\u2019\u00bb)\]]*\s|[\u3002\uff01\uff1f\u0964](?![\u3002\uff01\uff1f\u0964])[\u300d\u300f\u201d\u2019\uff09]*")
WORD = re.compile(r"\s")
LEVELS = (PARAGRAPH, LINE, STOP, WORD)


def cut(pattern: re.Pattern[str], text: str, start: int, end: int) -> list[Range]:
    """Return the non-blank parts of `text[start:end]` between the separators, without surrounding white space."""
    stops = [match.end() for match in pattern.finditer(text, start, end)]
    found = (trim(text, a, b) for a, b in zip([start, *stops], [*stops, end], strict=True))
    return [(a, b) for a, b in found if a < b]


def merge(ruler: Ruler, parts: Sequence[Range], size: int, overlap: int = 0) -> Iterator[Range]:
    """Yield ranges filled with consecutive parts until the next would exceed `size`; a larger part stands alone.

    Each begins with as many of the last whole parts of the one before as fit into `overlap` and leave room for the next.
    """
    first = 0
    for i in range(1, len(parts) + 1):
        following = parts[i][1] if i < len(parts) else None
        if following is not None and ruler.count(parts[first][0], following) <= size:
            continue
        end = parts[i - 1][1]
        yield parts[first][0], end
        if following is None:
            return
        while first < i and (ruler.count(parts[first][0], end) > overlap or ruler.count(parts[first][0], following) > size):
            first += 1


def split(ruler: Ruler, start: int, end: int, size: int, overlap: int = 0, levels: Sequence[re.Pattern[str]] = LEVELS) -> Iterator[Range]:
    """Yield ranges of at most `size`, cut at the first separator that does, as LangChain's recursive splitter.

    Parts that fit are merged with their neighbours; a part that does not is split at the next separator by itself,
    and at last into windows. `overlap` must be less than `size`.
    """
    if not levels:
        yield from ruler.windows(start, end, size, overlap)
        return
    fitting: list[Range] = []
    for a, b in cut(levels[0], ruler.text, start, end):
        if ruler.count(a, b) <= size:
            fitting.append((a, b))
            continue
        yield from merge(ruler, fitting, size, overlap)
        fitting = []
        yield from split(ruler, a, b, size, overlap, levels[1:])
    yield from merge(ruler, fitting, size, overlap)


def units(ruler: Ruler, start: int, end: int, size: int, language: str) -> list[Range]:
    """Return the sentences of a range, those larger than `size` cut at full stops, then words, then characters.

    The sentence splitter keeps quotations and brackets together, so one that is never closed makes a very long sentence.
    """
    found: list[Range] = []
    for sentence in sentences(ruler.text, language, start, end):
        if ruler.count(*sentence) <= size:
            found.append(sentence)
            continue
        for a, b in cut(STOP, ruler.text, *sentence):
            found += [(a, b)] if ruler.count(a, b) <= size else split(ruler, a, b, size, levels=(WORD,))
    return found
