"""DOCX: paragraphs, tables and text boxes of the body in document order; headings as `#` lines, table rows as lines."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.errors import MissingExtra
from rag.loaders.base import Limit, Parsed, Unreadable, whole

if TYPE_CHECKING:
    from docx.document import Document as Docx

MAX_ENTRIES, MAX_RATIO, MAX_UNPACKED = 10_000, 100, 200_000_000
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"heading ([1-9])$", re.IGNORECASE)
# What stands for characters inside a run; `delText` (tracked deletions) and field codes are not among them.
_MARKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_BOX = f"{_W}txbxContent"
_SKIPPED = frozenset([_BOX, f"{_W}pPr", f"{_W}rPr", "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"])


@whole(".docx")
def parse(data: bytes, limit: Limit) -> Parsed:
    """Return the text of the body, tracked changes accepted; headers, footnotes and comments are not part of it.

    Raises `Unreadable` for a zip bomb and for a file without text, `MissingExtra`, and whatever python-docx raises.
    """
    try:
        from docx import Document
    except ImportError:
        raise MissingExtra("python-docx", "docx", "reading .docx files") from None
    check_zip(data)
    document = Document(io.BytesIO(data))
    text = "\n\n".join(_blocks(document.element.body, _levels(document)))
    if not text.strip():
        raise Unreadable("no text")
    return Parsed(text)


def check_zip(data: bytes) -> None:
    """Raise `Unreadable` for what is no zip file, or one that declares to unpack to far more than it is; nothing is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            entries = file.infolist()
    except zipfile.BadZipFile:
        raise Unreadable("not a .docx file (not a zip archive); an encrypted one must be saved without its password") from None
    sizes = [entry.file_size for entry in entries]
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable("encrypted; save a copy without a password")
    if len(sizes) > MAX_ENTRIES:
        raise Unreadable(f"a zip archive of {len(sizes)} entries, more than {MAX_ENTRIES}; not a plausible .docx file")
    if sum(sizes) > min(MAX_RATIO * len(data), MAX_UNPACKED):
        raise Unreadable(f"unpacks to {sum(sizes)} bytes, more than {MAX_RATIO} times its size or {MAX_UNPACKED}; a zip bomb?")


def _levels(document: Docx) -> dict[str, int]:
    """Heading level by style id; ids are localised, names are not."""
    found = {}
    for style in document.styles:
        name = style.name or ""
        heading = _HEADING.match(name)
        if heading or name == "Title":
            found[style.style_id] = int(heading[1]) if heading else 1
    return found


def _blocks(parent: Any, levels: dict[str, int]) -> Iterator[str]:
    """Yield the blocks below an element. Recursion is bounded: the XML parser refuses more than 256 levels."""
    for child in parent:
        if child.tag == f"{_W}p":
            text = "".join(_characters(child)).strip()
            if text:
                yield _marked(child, text, levels)
            for box in _within(child, _BOX):
                yield from _blocks(box, levels)
        elif child.tag == f"{_W}tbl":
            rows = [_row(row, levels) for row in _within(child, f"{_W}tr")]
            if any(row.strip(" |") for row in rows):
                yield "\n".join(rows)
        elif isinstance(child.tag, str) and child.tag not in _SKIPPED:  # content controls, tracked insertions, custom XML
            yield from _blocks(child, levels)


def _marked(paragraph: Any, text: str, levels: dict[str, int]) -> str:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    level = levels.get(style.get(f"{_W}val", ""), 0) if style is not None else 0
    return f"{'#' * min(level, 6)} {' '.join(text.split())}" if level else text


def _row(row: Any, levels: dict[str, int]) -> str:
    return " | ".join(" ".join("\n".join(_blocks(cell, levels)).split()) for cell in _within(row, f"{_W}tc"))


def _characters(element: Any) -> Iterator[str]:
    for child in element:
        if child.tag == f"{_W}t":
            yield child.text or ""
        elif child.tag in _MARKS:
            yield _MARKS[child.tag]
        elif isinstance(child.tag, str) and child.tag not in _SKIPPED:
            yield from _characters(child)


def _within(element: Any, tag: str) -> Iterator[Any]:
    """Yield the nearest elements of a tag below an element, through wrappers such as content controls."""
    for child in element:
        if child.tag == tag:
            yield child
        elif isinstance(child.tag, str) and child.tag not in _SKIPPED:
            yield from _within(child, tag)
