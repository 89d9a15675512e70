"""Figures as the page writes them: one format per kind of number, so that a column reads as one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rag.shell import clean

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
MOST_NAMED = 6


def number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """Return a number with a true minus, thousands apart, an en dash for none."""
    if value is None:
        return DASH
    text = f"{value:{'+' if sign else ''},.{digits}f}"
    if float(text.replace(",", "")) == 0.0:
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def digits(values: Iterable[float | None]) -> int:
    """Return how many decimals show the values of one metric: fewer for large ones, more where all are small."""
    most = max((abs(v) for v in values if v is not None), default=0.0)
    return 0 if most >= 100 else 1 if most >= 10 else 3 if most >= 0.1 or most == 0 else 4


def milliseconds(value: float | None) -> str:
    """Return a time in milliseconds with about three digits."""
    return DASH if value is None else number(value, 0 if value >= 100 else 1 if value >= 10 else 2)


def probability(p: float | None) -> str:
    """Return a p-value to three decimals."""
    return DASH if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def span(low: float | None, high: float | None, places: int = 3) -> str:
    """Return `0.684-0.788` with an en dash, or words where an end is negative and the dash would read as a minus."""
    between = " to " if min(low or 0.0, high or 0.0) < 0 else DASH
    return number(low, places) + between + number(high, places)


def count(n: int, one: str, many: str = "") -> str:
    """Return `1 document`, `2 documents`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """Return `a, b and c`, cut after `most` names with the number of the others."""
    shown = list(names[:most]) + ([count(len(names) - most, "other")] if len(names) > most else [])
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def reasons(missing: Mapping[str, int]) -> str:
    """Return `192 abstained, 6 not applicable`."""
    return ", ".join(f"{n} {why}" for why, n in missing.items())


def visible(value: Any) -> Any:
    """Return text with what a page could obey and a reader cannot see made visible; anything else as it is."""
    return clean(value) if type(value) is str else value


def columns(text: str) -> int:
    """Return how many columns a text fills in a monospaced grid: East Asian wide characters two, combining ones none."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def short(name: str, most: int = 22) -> str:
    """Return a name in one line of at most `most` columns, cut in the middle: the ends tell names of a sweep apart."""
    line = " ".join(clean(name[:1000]).split())
    kept = len(line)
    while columns(cut := line if kept == len(line) else line[: kept // 2] + ELLIPSIS + line[len(line) - (kept - kept // 2) :]) > most:
        kept = min(kept, most) - 1
    return cut
