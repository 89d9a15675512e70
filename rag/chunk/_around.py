"""The text around a piece, cut where sentences end, so that what changes far away changes nothing here."""

from __future__ import annotations

from rag.chunk._split import LINE, PARAGRAPH, STOP, WORD
from rag.text import encodable, trim
from rag.types import Document


def before(document: Document, start: int, size: int) -> str:
    """Return at most `size` characters before `start`, from the beginning of a paragraph, else of a sentence, line, or word.

    Only these characters are looked at, and whether the body begins among them.
    """
    text = document.text
    a, b = trim(text, min(start, max(document.body, start - size)), start)
    if start - size > document.body:
        middle = (a + b) // 2  # a paragraph that begins later would leave out too much
        found = PARAGRAPH.search(text, a, middle) or STOP.search(text, a, b) or LINE.search(text, a, b) or WORD.search(text, a, b)
        a = found.end() if found else a
    a, b = trim(text, a, b)
    return encodable(text[a:b])


def after(document: Document, end: int, size: int) -> str:
    """Return at most `size` characters after `end`, to the end of a paragraph, else of a sentence, line, or word."""
    text, most = document.text, min(len(document.text), end + size)
    a, b = trim(text, end, most)
    if most < len(text):
        for pattern, least in ((PARAGRAPH, (a + b) // 2), (STOP, a), (LINE, a), (WORD, a)):
            if stops := [found.end() for found in pattern.finditer(text, least, most)]:
                b = stops[-1]
                break
    a, b = trim(text, a, b)
    return encodable(text[a:b])
