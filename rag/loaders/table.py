"""CSV and TSV: one document per row, read as a stream; the first row names the columns.

Columns `id` (or `_id`), `title` and `text` are those of the document, every other column is metadata. Without a column
`text`, the text is one line `column: value` for each of the other columns that has a value, which stay metadata too.
Rows are numbered as a spreadsheet shows them: the header is row 1.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from rag.loaders.base import Limit, Parsed, Unreadable, by_line
from rag.loaders.meta import flat
from rag.types import Scalar

MAX_COLUMNS, MAX_NAME = 1000, 200
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})")  # no leading zero, no plus: a postal or telephone number is text
_REAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?")
_TRUTH = {"true": True, "false": False}
_ESCAPED = re.compile("[\udc80-\udcff]")
_STOP = "; no row after it is read"


@by_line(".csv")
def parse(file: BinaryIO, limit: Limit) -> Iterator[tuple[int, Parsed | Unreadable]]:
    """Yield each row's number and document, or why the row is bad; commas part the cells. Streams: one row in memory."""
    yield from _rows(file, limit, ",")


@by_line(".tsv")
def parse_tabs(file: BinaryIO, limit: Limit) -> Iterator[tuple[int, Parsed | Unreadable]]:
    """As `parse`, for cells parted by tabs."""
    yield from _rows(file, limit, "\t")


class _Lines:
    """The lines of a file in UTF-8 or UTF-16, of which one row may take no more than the limit."""

    def __init__(self, file: BinaryIO, limit: Limit) -> None:
        mark = file.read(3)
        wide = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(mark[:2])
        file.seek(2 if wide else 3 if mark == codecs.BOM_UTF8 else 0)
        # A byte that is not UTF-8 spoils its row alone, so it is let through and found there.
        self.text = io.TextIOWrapper(file, wide or "utf-8", "strict" if wide else "surrogateescape", newline="")
        self._limit = limit
        self.size = 0  # characters of the row so far

    def __iter__(self) -> Iterator[str]:
        while line := self.text.readline(self._limit.size + 1 - self.size):
            self.size += len(line)
            if self.size > self._limit.size:
                raise Unreadable(self._limit.problem(self.size, "the row is at least") + _STOP)
            yield line


def _rows(file: BinaryIO, limit: Limit, delimiter: str) -> Iterator[tuple[int, Parsed | Unreadable]]:
    csv.field_size_limit(min(limit.size, 2**31 - 1))
    lines = _Lines(file, limit)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    number, last = 0, 0
    try:
        while True:
            number += 1
            lines.size = 0
            try:
                cells = next(rows)
                if header is None:
                    header = _header(cells)
                elif cells:
                    last = number
                    yield number, _document(header, cells)
            except StopIteration:
                break
            except (csv.Error, Unreadable, ValueError) as error:
                last = number
                yield number, _reason(error, number)
                if header is None or (isinstance(error, Unreadable) and str(error).endswith(_STOP)) or isinstance(error, UnicodeError):
                    return
        if not last:
            yield 1, Unreadable("no row after the header" if header else "no header row that names the columns")
    finally:
        lines.text.detach()


def _reason(error: Exception, number: int) -> Unreadable:
    if isinstance(error, UnicodeError):
        return Unreadable(f"row {number}: not UTF-16 in it or soon after it; convert the file, for example with iconv{_STOP}")
    said = f"not valid CSV ({error})" if isinstance(error, csv.Error) else str(error)
    return Unreadable(f"row {number}: {said}")


def _header(cells: list[str]) -> list[str]:
    """Return the names of the columns; raises `Unreadable` when they do not tell the columns apart."""
    if len(cells) > MAX_COLUMNS:
        raise Unreadable(f"{len(cells)} columns, more than {MAX_COLUMNS}")
    _check(cells)
    names = [cell.strip() for cell in cells]
    if not names:
        raise Unreadable("no header row that names the columns")
    if longest := next((n for n, name in enumerate(names, 1) if len(name) > MAX_NAME), 0):
        raise Unreadable(f"the name of column {longest} is {len(names[longest - 1])} characters long, more than {MAX_NAME}")
    if "" in names:
        raise Unreadable(f"column {names.index('') + 1} has no name")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise Unreadable(f"two columns are named {name!r}")
    if len(names) == 1 and re.search(r"[;,\t|]", names[0]):
        raise Unreadable(f"one column {names[0]!r}; part cells with commas in .csv, with tabs in .tsv")
    return names


def _document(header: list[str], cells: list[str]) -> Parsed:
    if len(cells) != len(header):
        raise Unreadable(f"{len(cells)} cells, the header has {len(header)}")
    _check(cells)
    row = {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}
    name = next((key for key in ("_id", "id") if key in header), None)
    id = None if name is None else row.pop(name, "")
    text, title = row.pop("text", ""), row.pop("title", "")
    if "text" not in header:
        text = "\n".join(f"{name}: {cell.strip()}" for name, cell in row.items())
    if not text:
        text, title = title, ""  # as in JSON Lines
    if not text:
        raise Unreadable("no text")
    return Parsed(text, flat({name: _typed(cell) for name, cell in row.items()}), title, id=id)


def _check(cells: list[str]) -> None:
    text = "".join(cells)
    if "\0" in text:
        raise Unreadable("binary (it has a NUL)")
    if bad := _ESCAPED.search(text):
        raise Unreadable(f"not UTF-8 (byte 0x{ord(bad[0]) - 0xDC00:02x}); convert the file, for example with iconv")


def _typed(cell: str) -> Scalar:
    """Return a whole number, a number, true or false where a cell is spelt as one, else its text; dates are text."""
    bare = cell.strip()
    if _WHOLE.fullmatch(bare):
        return int(bare)
    if _REAL.fullmatch(bare) and math.isfinite(number := float(bare)):
        return number
    truth = _TRUTH.get(bare.lower())
    return cell if truth is None else truth
