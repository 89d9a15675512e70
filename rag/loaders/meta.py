"""Metadata: front matter and JSON objects made into the flat mapping that a `Document` carries."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from rag import dates, strict_yaml
from rag.errors import ConfigError
from rag.types import EMPTY, Meta, Scalar

FRONT_MATTER_LIMIT = 64 * 1024


def flat(data: Mapping[str, object]) -> Meta:
    """Return `data` as metadata: scalars as they are, lists of scalars as texts, dates as ISO text, no nulls.

    Mappings are flattened one level (`a: {b: 1}` is `a.b`); anything deeper or else is kept as its text, and so is a
    number that no index can hold (not finite, or over 64 bits). Raises `ValueError` when two keys become one or a text is
    not valid Unicode.
    """
    found: dict[str, Scalar | tuple[str, ...]] = {}
    for key, value in _pairs(data):
        if value is None:
            continue
        if key in found:
            raise ValueError(f"key {key!r} is there twice")
        found[key] = _value(value)
    check_unicode(*found, *_texts(found))
    return MappingProxyType(found) if found else EMPTY


def check_unicode(*texts: str) -> None:
    """Raise `ValueError` when a text holds half a surrogate pair (a JSON or YAML escape can): no file and no index could."""
    try:
        for text in texts:
            text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"half a surrogate pair (U+{ord(error.object[error.start]):04X})") from None


def moment(name: str, value: object) -> float:
    """Return seconds since 1970 of an ISO 8601 date or time, UTC where it names no zone; raises `ValueError` that names the key."""
    found = dates.bound(value.strip()) if isinstance(value, str) else None
    if found is None:
        shown = ascii(value) if len(str(value)) <= 40 else ascii(str(value)[:40]) + "..."
        raise ValueError(f"{name} is {shown}, not a date such as 2024-03-01 or 2024-03-01T10:20:30Z (index.modified_key)")
    return found / dates.NS


def _texts(meta: Meta) -> Iterator[str]:
    for value in meta.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            yield from value


def _pairs(data: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", v) for inner, v in value.items())
        else:
            yield key, value


def _value(value: object) -> Scalar | tuple[str, ...]:
    if isinstance(value, (list, tuple)) and all(_is_scalar(v) for v in value):
        return tuple(_text(v) for v in value)
    if isinstance(value, (set, frozenset)):  # YAML's !!set; sorted, because the order of a set differs between processes
        return tuple(sorted(map(_text, value)))
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return _text(value)


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, bool, int, float, datetime.date))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.date):  # datetime is a date
        return value.isoformat()
    return str(value)


def front_matter(text: str) -> tuple[Meta, int]:
    """Return the metadata of a leading `---` block and the offset just behind it; nothing and 0 when there is none.

    A block that is no YAML mapping, is over 64 KB or uses what `rag.strict_yaml` refuses is text, not metadata.
    """
    first = _fence_end(text, 0)
    if first is None:
        return EMPTY, 0
    at = first - 1  # the newline of the opening fence, so that an empty block closes too
    while (at := text.find("\n---", at, FRONT_MATTER_LIMIT)) >= 0:
        end = _fence_end(text, at + 1)
        if end is not None:
            return _parse_block(text[first : at + 1], end)
        at += 1
    return EMPTY, 0


def _fence_end(text: str, start: int) -> int | None:
    """Offset behind the line at `start` when that line is `---`, trailing blanks allowed; the last line needs no newline."""
    if not text.startswith("---", start):
        return None
    newline = text.find("\n", start)
    end = len(text) if newline < 0 else newline
    if text[start + 3 : end].strip(" \t\r"):
        return None
    return end + (newline >= 0)


def _parse_block(block: str, end: int) -> tuple[Meta, int]:
    try:
        data = strict_yaml.parse(block)
        if data is None:
            return EMPTY, end
        if isinstance(data, dict):
            return flat(data), end
    except (ConfigError, ValueError, RecursionError):
        pass
    return EMPTY, 0
