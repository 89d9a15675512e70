"""Moments and numbers written as text: which texts are one, and where on the line of time they lie.

Two readers of dates: `bound` is strict, for what a person writes in a filter. `moment` is for text found in metadata and
takes exactly what the index engine takes for a date (it is lenient about blanks and leading zeros), so that a filter means
the same wherever it is evaluated.
"""

from __future__ import annotations

import datetime
import math
import re
import time

NS = 10**9
_EPOCH = datetime.date(1970, 1, 1).toordinal()
_DAY_NS = 86_400 * NS
_FIRST, _END = (datetime.date.min.toordinal() - _EPOCH) * _DAY_NS, (datetime.date.max.toordinal() + 1 - _EPOCH) * _DAY_NS
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_BOUND = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?")
# Blanks as Rust has them: not the separators \x1c to \x1f, which Python counts as blanks too.
_BLANK = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_B = f"[{_BLANK}]*"
_YEAR, _MONTH, _DAY = rf"{_B}(?P<year>[+-][0-9]++|[0-9]{{1,4}}+)", rf"{_B}(?P<month>[0-9]{{1,2}}+)", rf"{_B}(?P<day>[0-9]{{1,2}}+)"
_HOUR, _MINUTE = rf"{_B}(?P<hour>[0-9]{{1,2}}+)", rf"{_B}(?P<minute>[0-9]{{1,2}}+)"
_SECOND = rf"{_B}(?P<second>[0-9]{{1,2}}+)(?:\.(?P<part>[0-9]++))?"
_ZONE = rf"{_B}(?:[zZ]|UTC|(?P<sign>[+\-\u2212])(?P<zh>[0-9]{{2}})[:{_BLANK}]*+(?P<zm>[0-9]{{2}})%s)"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"{_YEAR}{_B}-{_MONTH}{_B}-{_DAY}[tT ]{_HOUR}{_B}:{_MINUTE}{_B}:{_SECOND}{_ZONE % ''}{_B}",  # blanks nearly anywhere, a whole zone
        rf"{_YEAR}-{_MONTH}-{_DAY}T?{_HOUR}:{_MINUTE}:{_SECOND}{_ZONE % '?'}",  # a zone that may lack its minutes
        rf"{_YEAR}-{_MONTH}-{_DAY}(?:T?{_HOUR}:{_MINUTE}(?::{_SECOND})?)?",  # no zone
    )
)


def number(text: str) -> float | None:
    """Return the number that a text reads as, below 2^53 in size; None when it is none."""
    value = float(text) if len(text) <= 400 and _NUMBER.fullmatch(text) else None
    return value if value is not None and abs(value) < 2**53 else None


def bound(text: str) -> int | None:
    """Return the nanoseconds since the epoch of `YYYY-MM-DD[THH:MM[:SS[.f]][Z|+HH:MM]]`, UTC without a zone; else None.

    A date is its first moment. Years run from 0001 to 9999.
    """
    if not _BOUND.fullmatch(text):
        return None
    found = moment(text) if len(text) < 17 or text[16] == ":" else moment(f"{text[:16]}:00{text[16:]}")  # a zone after minutes
    return found if found is not None and _FIRST <= found < _END else None


def day_or(as_of: str | None) -> int:
    """Return a date as `bound` reads it in whole seconds since the epoch; the start of today in UTC for None. Raises `ValueError`."""
    if as_of is None:
        return int(time.time()) // 86_400 * 86_400
    found = bound(as_of)
    if found is None:
        raise ValueError(f"as_of: expected a date such as 2026-01-31 or 2026-01-31T10:00:00Z, found {as_of[:60]!r}")
    return found // NS


def iso(nanoseconds: int) -> str:
    """Return a moment of the years 0001 to 9999 as `YYYY-MM-DDTHH:MM:SS[.f]Z`."""
    seconds, part = divmod(nanoseconds, NS)
    date = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=seconds)
    return date.isoformat().removesuffix("+00:00") + (f".{part:09}".rstrip("0") if part else "") + "Z"


def iso_seconds(seconds: float | None) -> str | None:
    """Return seconds since the epoch as `YYYY-MM-DDTHH:MM:SSZ`, fractions dropped; None of None and beyond the years 0001 to 9999."""
    at = None if seconds is None else math.floor(seconds) * NS
    return None if at is None or not _FIRST <= at < _END else iso(at)


def moment(text: str) -> int | None:
    """Return the nanoseconds since the epoch of a text that the engine takes for a date, UTC without a zone; else None."""
    found = next((m for form in _FORMS if (m := form.fullmatch(text))), None) if len(text) <= 100 else None
    if found is None:
        return None
    zone = found.groupdict()
    year, month, day = int(found["year"]), int(found["month"]), int(found["day"])
    hour, minute, second = (int(found[n] or 0) for n in ("hour", "minute", "second"))
    zone_hours, zone_minutes = int(zone.get("zh") or 0), int(zone.get("zm") or 0)
    days = _days(year, month, day)
    if days is None or hour > 23 or minute > 59 or second > 60 or zone_hours > 23 or zone_minutes > 59:
        return None
    offset = 60 * (60 * zone_hours + zone_minutes) * (1 if zone.get("sign") == "+" else -1)
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + min(second, 59) - offset
    part = NS - 1 if second == 60 else int((found["part"] or "0")[:9].ljust(9, "0"))  # a leap second lies before the next minute
    return seconds * NS + part


def _days(year: int, month: int, day: int) -> int | None:
    """Return the days since 1970-01-01 in the Gregorian calendar, for any year that the engine knows; None without such a day."""
    if not (-262_143 <= year <= 262_142 and 1 <= month <= 12):
        return None
    cycles = (year - 2000) // 400  # the calendar repeats every 400 years, which are 146,097 days
    try:
        date = datetime.date(year - 400 * cycles, month, day)
    except ValueError:
        return None
    return date.toordinal() - _EPOCH + 146_097 * cycles
