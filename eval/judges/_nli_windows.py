"""Cuts a long context into windows of tokens that overlap, at sentence ends where that is possible."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

Span = tuple[int, int]


def windows(offsets: Sequence[Span], starts: Sequence[int], size: int, stride: int) -> list[Span]:
    """Return the character ranges of windows of at most `size` tokens, in order, that together hold every token.

    `offsets` are the tokens' character ranges and `starts` the characters at which sentences begin, both ascending. A window ends
    and begins with a sentence where one begins within it, else between two tokens; it begins at most `stride` tokens after the one
    before, and none lies within another. Takes time proportional to tokens and windows.
    """
    count = len(offsets)
    if not 0 < stride <= size:
        raise ValueError(f"stride must be from 1 to the window's {size}, not {stride}")
    ends = [end for _, end in offsets]
    cuts = sorted({bisect_right(ends, start) for start in starts})  # the first token that has a character of the sentence
    found: list[Span] = []
    first = covered = 0
    while covered < count:
        last = _snapped(cuts, first + size, first, count)
        if last > covered:
            found.append((offsets[first][0], ends[last - 1]))
            covered = last
        first = _snapped(cuts, first + stride, first, count)  # never beyond `last`, which is a cut or lies as far as the window reaches
    return found


def _snapped(cuts: Sequence[int], limit: int, above: int, count: int) -> int:
    """Return the last cut in `(above, limit]`, else the limit; the end of the text is a cut."""
    if limit >= count:
        return count
    place = bisect_right(cuts, limit) - 1
    return cuts[place] if place >= 0 and cuts[place] > above else limit
