"""Where words that a model quotes stand in a text: white space, quotation marks and dashes are taken as equal, case plays no part."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eval.judges.base import Evidence
from rag.untrusted import visible

MOST = 2000  # characters of a quote that are looked for
_FOLD = str.maketrans(
    "\u2018\u2019\u201c\u201d\u2013\u2014\u00a0\u2039\u27e6\u266f\u2236\uff1a",
    "''\"\"-- <[#::",
)  # after the first seven: what a prompt copy has for delimiters
_GAP = re.compile(r"\[\.\.\.\]|\[\u2026\]|\.\.\.|\u2026")


def locate(quote: str, text: str) -> tuple[int, int] | None:
    """Return characters `[start, end)` of `text` that a quote stands for, None when they are not there. Linear in practice: one literal search."""
    words = visible(quote)[0].translate(_FOLD).strip(" \t\n.,;:\"'")[:MOST].split()
    if not words:
        return None
    pattern = re.compile(r"(?<!\w)" + r"\s+".join(map(re.escape, words)) + r"(?!\w)", re.IGNORECASE)  # whole words: "cat" is not in "concatenate"
    found = pattern.search(text.translate(_FOLD))  # folding keeps every place
    if found is not None:
        return found.start(), found.end()
    shown, gone = visible(text)
    found = pattern.search(shown.translate(_FOLD)) if gone else None
    if found is None:
        return None
    places = _places(shown, text)
    return places[found.start()], places[found.end() - 1] + 1


def evidence(quote: str, contexts: Sequence[str]) -> tuple[Evidence, ...]:
    """Return where a quote stands: in the first context that holds it; a quote with gaps (`...`) piece by piece, all in one context, else nowhere."""
    pieces = [p for p in _GAP.split(quote) if p.strip(" .,;:\"'")]
    for i, context in enumerate(contexts):
        spans = [locate(piece, context) for piece in pieces]
        held = tuple(Evidence(i, *span) for span in spans if span is not None)
        if held and len(held) == len(pieces):
            return held
    return ()


def _places(shown: str, stored: str) -> list[int]:
    """Return for each character that is shown its place in the stored text, which has it in the same order among hidden ones."""
    places: list[int] = []
    at = 0
    for char in shown:
        while at < len(stored) - 1 and stored[at] != char and not (char == "\n" and not stored[at].isprintable()):
            at += 1
        places.append(at)
        at = min(at + 1, len(stored) - 1)
    return places
