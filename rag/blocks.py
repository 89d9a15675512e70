"""Splits Markdown into headings, paragraphs, lists, fences and tables, in one pass over its lines.

A reading of CommonMark and GFM tables by line, without nesting: a fence inside a list item is a block of its own, a
quote is a paragraph. Headings are ATX and setext; an unclosed fence runs to the end, as it is rendered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rag.text import trim

_ROW = re.compile(r"([^\r\n]+)(?:\r\n|\r|\n)?|\r\n|\r|\n")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]|\Z)")
_SETEXT = re.compile(r" {0,3}(?:(=+)|-+)[ \t]*\Z")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|\Z)")
_ITEM_LINE = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]", re.MULTILINE)
_TITLE = 200  # characters of a heading that are kept: every chunk below repeats them

Kind = Literal["heading", "paragraph", "list", "fence", "table"]


@dataclass(frozen=True, slots=True)
class Block:
    """Characters `[start, end)` of one block, without surrounding white space; level and title are those of a heading."""

    kind: Kind
    start: int
    end: int
    level: int = 0
    title: str = ""


def blocks(text: str, start: int = 0) -> list[Block]:
    """Return the blocks of `text[start:]` in order; together they hold every non-blank character."""
    matches = list(_ROW.finditer(text, start))
    rows = [match[1] or "" for match in matches]
    found: list[Block] = []
    i = 0
    while i < len(rows):
        if not rows[i].strip():
            i += 1
            continue
        kind, stop, level = _block(rows, i)
        a, b = trim(text, matches[i].start(), matches[stop - 1].end())
        found.append(Block(kind, a, b, level, _title(rows[i:stop], level) if level else ""))
        i = stop
    return found


def items(text: str, block: Block) -> list[tuple[int, int]]:
    """Return the ranges of the items of a list block, nested items on their own."""
    cuts = [match.start() for match in _ITEM_LINE.finditer(text, block.start, block.end) if match.start() > block.start]
    return [trim(text, a, b) for a, b in zip([block.start, *cuts], [*cuts, block.end], strict=True)]


def _block(rows: list[str], i: int) -> tuple[Kind, int, int]:
    """Return kind, first row after it, and heading level (0: no heading) of the block that begins in row `i`."""
    if mark := _fence(rows[i]):
        return "fence", _fence_end(rows, i, mark), 0
    if match := _ATX.match(rows[i]):
        return "heading", i + 1, len(match[1])
    if _is_table(rows, i):
        return "table", _table_end(rows, i), 0
    if _is_rule(rows[i]):
        return "paragraph", i + 1, 0
    if _ITEM.match(rows[i]):
        return "list", _list_end(rows, i), 0
    return _paragraph(rows, i)


def _interrupts(rows: list[str], i: int) -> bool:
    return bool(_fence(rows[i]) or _ATX.match(rows[i]) or _is_table(rows, i) or _is_rule(rows[i]))


def _fence(row: str) -> str:
    """Return the run of marks that opens a fence, or nothing."""
    match = _FENCE.match(row)
    if not match or (match[1][0] == "`" and "`" in row[match.end() :]):
        return ""
    return match[1]


def _fence_end(rows: list[str], i: int, mark: str) -> int:
    for j in range(i + 1, len(rows)):
        row = rows[j].strip()
        if len(row) >= len(mark) and row == mark[0] * len(row):
            return j + 1
    return len(rows)


def _is_table(rows: list[str], i: int) -> bool:
    if "|" not in rows[i] or i + 1 >= len(rows):
        return False
    ruler = rows[i + 1]
    return "|" in ruler and "-" in ruler and not ruler.strip("|-: \t")


def _table_end(rows: list[str], i: int) -> int:
    j = i + 2
    while j < len(rows) and rows[j].strip() and not (_fence(rows[j]) or _ATX.match(rows[j])):
        j += 1
    return j


def _is_rule(row: str) -> bool:
    """Return whether a row is a thematic break such as `* * *`."""
    marks = row.replace(" ", "").replace("\t", "")
    return len(marks) >= 3 and marks[0] in "*-_" and marks == marks[0] * len(marks)


def _list_end(rows: list[str], i: int) -> int:
    """Return the first row after a list: blank rows belong to it when an item or an indented row follows."""
    j = i + 1
    while j < len(rows):
        if rows[j].strip():
            if _interrupts(rows, j):
                return j
            j += 1
            continue
        following = j
        while following < len(rows) and not rows[following].strip():
            following += 1
        if following == len(rows) or not (rows[following][0] in " \t" or _ITEM.match(rows[following])):
            return j
        j = following
    return j


def _paragraph(rows: list[str], i: int) -> tuple[Kind, int, int]:
    """Read a paragraph; a setext underline below it makes it a heading, unless it is a quote or indented code."""
    plain = not rows[i].startswith(("    ", "\t")) and not rows[i].lstrip().startswith(">")
    j = i + 1
    while j < len(rows) and rows[j].strip():
        underline = _SETEXT.match(rows[j])
        if plain and underline:
            return "heading", j + 1, 1 if underline[1] else 2
        if _interrupts(rows, j) or _ITEM.match(rows[j]):
            break
        j += 1
    return "paragraph", j, 0


def _title(rows: list[str], level: int) -> str:
    """Return a heading's text without marks and without a trailing `{ #attribute }`."""
    if len(rows) > 1:
        title = " ".join(row.strip() for row in rows[:-1])
    else:
        title = rows[0].strip()[level:].strip()
        unclosed = title.rstrip("#")
        title = unclosed.rstrip() if not unclosed or unclosed[-1] in " \t" else title
    if title.endswith("}") and "{" in title:
        title = title[: title.rindex("{")].rstrip()
    return title[:_TITLE]
