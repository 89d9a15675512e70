"""What many questions share, kept once: texts and spans by number, with the bytes they take on the page."""

from __future__ import annotations

import json
import re
from typing import Any

from rag.shell import clean
from rag.types import Span

_UNSAFE = re.compile("[<>&\u2028\u2029]")


def dumps(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in, nor start markup: `<`, `>`, `&`, U+2028 and U+2029 are escaped."""
    plain = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", plain)


def size(value: Any) -> int:
    """Return how many bytes a value takes on the page."""
    return len(dumps(value).encode())


def short(value: float) -> float:
    """Return a number as it is written: six decimals, whole where it is whole."""
    rounded = round(value, 6)
    return int(rounded) if rounded == int(rounded) else rounded


def rough(value: float) -> float:
    """Return a score of a hit with four digits: it is there to be looked at."""
    return short(float(f"{value:.4g}"))


class Pool:
    """Texts, documents and spans by number. `used` is about how many bytes they take; texts are made visible, character for character."""

    def __init__(self) -> None:
        """Start empty."""
        self._texts: dict[str, int] = {}
        self._docs: dict[str, int] = {}
        self._spans: dict[Span, int] = {}
        self.used = 0

    def text(self, text: str) -> int:
        """Return the number of a text."""
        if text not in self._texts:
            self._texts[text] = len(self._texts)
            self.used += size(clean(text)) + 1
        return self._texts[text]

    def doc(self, name: str) -> int:
        """Return the number of a document."""
        if name not in self._docs:
            self._docs[name] = len(self._docs)
            self.used += size(clean(name)) + 20
        return self._docs[name]

    def span(self, span: Span) -> int:
        """Return the number of a span."""
        if span not in self._spans:
            row = [self.doc(span.doc_id), span.start, span.end]
            self._spans[span] = len(self._spans)
            self.used += size(row) - 1
        return self._spans[span]

    def place(self, row: Any) -> int:
        """Return the number of a span given as JSON."""
        return self.span(Span(row["doc_id"], row["start"], row["end"]))

    @property
    def texts(self) -> list[str]:
        """The texts, as a reader may see them."""
        return [clean(t) for t in self._texts]

    @property
    def docs(self) -> list[str]:
        """The documents."""
        return list(self._docs)

    @property
    def spans(self) -> list[int]:
        """Document number, start and end of every span, one after the other."""
        return [n for s in self._spans for n in (self._docs[s.doc_id], s.start, s.end)]
