"""The smallest parts of a document that say something by themselves: sentences, list items, rows of tables, pieces of code."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from rag.blocks import Block, blocks, items
from rag.chunk._ruler import Ruler
from rag.chunk._split import LINE, STOP, WORD, split
from rag.text import sentences, trim

# Where a long sentence says another thing: after a semicolon, before a conjunction behind a comma, around a dash.
CLAUSE = re.compile(r"[;\u061b]\s|\uff1b|,\s(?=(?:and|but|or|nor|so|yet|while|whereas|because|although|which)\s)|\s[\u2013\u2014]\s")
_LEAD = 16  # characters a token of a table's header may have on average: each row repeats it
_PROSE, _CODE = (STOP, CLAUSE, WORD), (LINE, WORD)


@dataclass(frozen=True, slots=True)
class Unit:
    """Characters `[start, end)`; `lead` is what has to be read first: the header of a table whose row this is.

    One that `opens` says little without what follows: a heading, the header of a table.
    """

    start: int
    end: int
    lead: str = ""
    opens: bool = False


def units(ruler: Ruler, size: int, language: str) -> list[Unit]:
    """Return the units of the part to cut, in order and disjoint; together they hold every non-blank character.

    None has more than `size`: a sentence that would is cut between clauses, else between words. A heading goes with what follows it,
    the header of a table with its first row, where there is room.
    """
    found: list[Unit] = []
    waiting: list[Unit] = []
    for block in blocks(ruler.text, ruler.start):
        for unit in _parts(ruler, block, size, language):
            if unit.opens:
                waiting.append(unit)
                continue
            if waiting and ruler.count(waiting[0].start, unit.end) <= size:
                found.append(Unit(waiting[0].start, unit.end))
            else:
                found += [*_held(ruler, waiting, size), unit]
            waiting = []
    return found + _held(ruler, waiting, size)


def within(found: list[Unit], text: str, start: int, end: int) -> list[Unit]:
    """Return the units of characters `[start, end)`, those at its edges cut to it."""
    held = []
    for unit in found[bisect_right(found, start, key=lambda u: u.end) :]:
        if unit.start >= end:
            break
        a, b = trim(text, max(unit.start, start), min(unit.end, end))
        if a < b:
            held.append(Unit(a, b, unit.lead))
    return held


def _held(ruler: Ruler, waiting: list[Unit], size: int) -> list[Unit]:
    """Return headings that nothing follows, or nothing that there is room for."""
    return [Unit(a, b) for unit in waiting for a, b in split(ruler, unit.start, unit.end, size, levels=_CODE)]


def _parts(ruler: Ruler, block: Block, size: int, language: str) -> Iterator[Unit]:
    if block.kind == "heading":
        yield Unit(block.start, block.end, opens=True)
    elif block.kind == "table":
        yield from _rows(ruler, block, size)
    elif block.kind == "fence":
        fits = ruler.count(block.start, block.end) <= size
        for a, b in [(block.start, block.end)] if fits else split(ruler, block.start, block.end, size, levels=_CODE):
            yield Unit(a, b)
    else:
        for a, b in items(ruler.text, block) if block.kind == "list" else [(block.start, block.end)]:
            yield from _sentences(ruler, a, b, size, language)


def _rows(ruler: Ruler, block: Block, size: int) -> Iterator[Unit]:
    """Yield the header with its line of dashes, then each row with the header to read first, where that is no longer than a unit."""
    lines = [match.end() for match in LINE.finditer(ruler.text, block.start, block.end)]
    spans = [trim(ruler.text, a, b) for a, b in zip([block.start, *lines], [*lines, block.end], strict=True)]
    spans = [(a, b) for a, b in spans if a < b]
    first, body = spans[0], spans[2:]
    short = ruler.count(*first) <= size and first[1] - first[0] <= _LEAD * size
    lead = ruler.text[first[0] : first[1]] if short else ""
    yield Unit(first[0], spans[min(1, len(spans) - 1)][1], opens=True)
    for a, b in body:
        for c, d in split(ruler, a, b, size, levels=_PROSE):
            yield Unit(c, d, lead)


def _sentences(ruler: Ruler, start: int, end: int, size: int, language: str) -> Iterator[Unit]:
    """Yield sentences; a mark or number without a letter (`1.`) goes with the one after it."""
    held: tuple[int, int] | None = None
    for a, b in sentences(ruler.text, language, start, end):
        if held is not None and ruler.count(held[0], b) > size:
            yield Unit(*held)
            held = None
        first = held[0] if held is not None else a
        held = None
        if b < end and ruler.count(first, b) <= size and not any(c.isalpha() for c in ruler.text[a:b]):
            held = first, b
            continue
        for c, d in split(ruler, first, b, size, levels=_PROSE):
            yield Unit(c, d)
    if held is not None:
        yield Unit(*held)
