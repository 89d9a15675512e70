"""Measures and cuts one text in tokens or characters: tokenised once, then only looked up by bisection."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from rag.text import trim

if TYPE_CHECKING:
    from rag.runtime import Runtime
    from rag.types import Document

Unit: TypeAlias = Literal["tokens", "characters"]
Range: TypeAlias = tuple[int, int]

_SURROGATE = re.compile("[\ud800-\udfff]")
_JOINER = "\u200d"


class Ruler:
    """A text, the part of it to cut (`start` to its end), and where its units begin and end.

    Units are ordered and may share a character (a Hangul syllable is several tokens of some models) or leave some out.
    """

    def __init__(self, text: str, start: int, starts: Sequence[int], ends: Sequence[int]) -> None:
        """Take the text, where the part to cut begins, and the non-decreasing offsets of its units."""
        self.text, self.start = text, start
        self._starts, self._ends = starts, ends

    @property
    def end(self) -> int:
        """Where the part to cut ends."""
        return len(self.text)

    def count(self, start: int, end: int) -> int:
        """Return how many units lie wholly or partly in `[start, end)`."""
        return bisect_left(self._starts, end) - bisect_right(self._ends, start)

    def windows(self, start: int, end: int, size: int, overlap: int = 0) -> Iterator[Range]:
        """Yield windows of `size` units that step by `size - overlap`, without surrounding white space.

        What lies between two units goes with the first of them. A cut moves back rather than part a character from its
        combining marks. A window that adds nothing to the one before is left out.
        """
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        begin, reached = start, start
        while True:
            stop = self._stop(first, min(first + size, last), last)
            a, b = trim(self.text, begin, self._starts[stop] if stop < last else end)
            if a < b and b > reached:
                yield a, b
                reached = b
            if stop >= last:
                return
            first = next((k for k in range(stop - overlap, first, -1) if self._whole(k)), stop)
            begin = self._starts[first]

    def _stop(self, first: int, want: int, last: int) -> int:
        """Return the unit to cut before: `want`, or the nearest earlier one that parts no character where there is one."""
        if want >= last:
            return last
        return next((k for k in range(want, first, -1) if self._whole(k)), want)

    def _whole(self, k: int) -> bool:
        at = self._starts[k]
        return at >= self._ends[k - 1] and not parts_character(self.text, at)


def parts_character(text: str, at: int) -> bool:
    """Return whether a cut before `text[at]` would part what a reader sees as one character (an approximation of UAX 29)."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before == "\r" and after == "\n":
        return True
    if _JOINER in (before, after) or "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return True
    return unicodedata.category(after)[0] == "M" and not before.isspace()


def measure(document: Document, runtime: Runtime, unit: Unit, tokenizer: str) -> Ruler:
    """Return the ruler of a document's body. Raises `ModelError` when the tokenizer cannot be had.

    Lone surrogates, which no tokenizer takes, are read as U+FFFD; the offsets stay those of `document.text`.
    """
    text, body = document.text if document.text.isascii() else _SURROGATE.sub("\ufffd", document.text), document.body
    if unit == "characters":
        return Ruler(text, body, range(len(text)), range(1, len(text) + 1))
    tokens = runtime.tokenizer(tokenizer).offsets(text[body:] if body else text)
    # A normalizer may reorder combining marks; the running maximum keeps both lists sorted for bisection.
    if not tokens:
        return Ruler(text, body, [], [])
    bounds = np.maximum.accumulate(np.asarray(tokens, dtype=np.int64), axis=0) + body
    return Ruler(text, body, bounds[:, 0].tolist(), bounds[:, 1].tolist())
