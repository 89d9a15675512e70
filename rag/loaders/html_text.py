"""Putting the text of a page together: white space collapses, blocks are apart by blank lines, table rows are lines."""

from __future__ import annotations

import re

_SPACE = re.compile(r"[ \t\n\f\r]+")
CELL = " | "


class Writer:
    """Collects text and gaps; of the gaps asked for between two texts the widest counts, none at the start."""

    def __init__(self) -> None:
        self.verbatim = 0  # how many <pre> are open
        self._out: list[str] = []
        self._gap = ""  # "", " ", "\n" or "\n\n": what separates the next text from the last
        self._heading = 0  # the level while a heading is open
        self._mark = ""  # the `## ` that the next text must follow
        self._cells: list[int] = []  # cells begun, for each open row
        self._bars = 0  # cell borders that the next text must follow
        self._fresh = False  # in a cell that has no text yet: gaps do not count

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(self._out)

    def gap(self, wanted: str) -> None:
        """Ask for a gap before the next text; inside a heading every gap is a space, so that it stays one line."""
        if self._fresh:
            return
        if self._heading:
            wanted = " "
        if len(wanted) > len(self._gap) or (self._gap == " " and wanted):
            self._gap = wanted

    def write(self, text: str) -> None:
        """Write a text node, its white space collapsed unless it is verbatim."""
        if self.verbatim and not self._heading:
            if text:
                self._put(text)
            return
        collapsed = _SPACE.sub(" ", text)
        if collapsed[:1] == " ":
            self.gap(" ")
        if core := collapsed.strip(" "):
            self._put(core)
            if collapsed[-1] == " ":
                self.gap(" ")

    def heading(self, level: int) -> None:
        """Begin a heading line; an empty one leaves no mark."""
        self.gap("\n\n")
        self._heading, self._mark = level, "#" * level + " "

    def end_heading(self) -> None:
        """End a heading line."""
        self._heading, self._mark = 0, ""
        self.gap("\n\n")

    def row(self) -> None:
        """Begin a table row on a line of its own."""
        self.gap("\n")
        self._cells.append(0)

    def end_row(self) -> None:
        """End a table row."""
        if self._cells:
            self._cells.pop()
        self._bars, self._fresh = 0, False
        self.gap("\n")

    def cell(self) -> None:
        """Begin a cell: it is apart from the one before by ` | `, and gaps at its start and end do not count."""
        if self._cells:
            self._bars += self._cells[-1] > 0
            self._cells[-1] += 1
        self._fresh = True

    def end_cell(self) -> None:
        """End a cell; an empty one keeps its place."""
        if not self._fresh:
            self._gap = ""
        self._fresh = False

    def _put(self, text: str) -> None:
        gap = self._gap if self._out else ""
        if self._bars:
            bars = CELL * self._bars
            gap = gap + bars.lstrip() if gap.startswith("\n") or not self._out else bars
        self._out += [gap, self._mark, text]
        self._gap, self._mark, self._bars, self._fresh = "", "", 0, False
