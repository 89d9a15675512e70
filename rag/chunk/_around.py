"""The text around a piece, cut where sentences end, so that what changes far away changes nothing here."""

from __future__ import annotations

from rag.chunk._split import LINE, PARAGRAPH, STOP, WORD
from rag.text import trim
from rag.types import Document


def before(document: Document, start: int, size: int) -> str:
    """Return at most `size` characters before `start`, from the beginning of a paragraph, else of a sentence, line, or word.

    Only these characters are looked at, and whether the body begins among them.
    """
    text, a = document.text, max(document.body, start - size)
    if a > document.body:
        middle = (a + start) // 2  # a paragraph that begins later would leave out too much
        found = PARAGRAPH.search(text, a, middle) or STOP.search(text, a, start) or LINE.search(text, a, start) or WORD.search(text, a, start)
        a = found.end() if found else a
    a, b = trim(text, min(a, start), start)
    return text[a:b]


def after(document: Document, end: int, size: int) -> str:
    """Return at most `size` characters after `end`, to the end of a paragraph, else of a sentence, line, or word."""
    text, b = document.text, min(len(document.text), end + size)
    if b < len(text):
        middle = (end + b) // 2
        for pattern, least in ((PARAGRAPH, middle), (STOP, end), (LINE, end), (WORD, end)):
            if stops := [found.end() for found in pattern.finditer(text, least, b)]:
                b = stops[-1]
                break
    a, b = trim(text, end, b)
    return text[a:b]
