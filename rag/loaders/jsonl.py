"""JSON Lines: one document per line, `{"id", "text", "title", "meta"}` or BEIR's `{"_id", "title", "text"}`."""

from __future__ import annotations

import codecs
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NoReturn

from rag.loaders.base import Limit, Parsed, Unreadable, by_line
from rag.loaders.meta import flat
from rag.loaders.text import decode_as

_SKIP = 1 << 16


@by_line(".jsonl")
def parse(file: BinaryIO, limit: Limit) -> Iterator[tuple[int, Parsed | Unreadable]]:
    """Yield each line's number and document, or why the line is bad; blank lines hold nothing. Streams: one line in memory."""
    for number, line in _lines(file, limit):
        if isinstance(line, Unreadable):
            yield number, line
        elif line.strip():
            try:
                yield number, _document(line)
            except Unreadable as error:
                yield number, error


def _lines(file: BinaryIO, limit: Limit) -> Iterator[tuple[int, bytes | Unreadable]]:
    number = 0
    while line := file.readline(limit.size + 1):
        number += 1
        if number == 1:
            if line[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                yield number, Unreadable("UTF-16; convert the file to UTF-8, for example with iconv")
                return
            line = line.removeprefix(codecs.BOM_UTF8)
        if len(line) > limit.size and not line.endswith(b"\n"):
            yield number, _skip(file, limit, len(line))
        else:
            yield number, line


def _skip(file: BinaryIO, limit: Limit, size: int) -> Unreadable:
    """Read on to the end of an over-long line without keeping it; returns the complaint."""
    while rest := file.readline(_SKIP):
        size += len(rest)
        if rest.endswith(b"\n"):
            break
    return Unreadable(limit.problem(size, "the line is"))


def _document(line: bytes) -> Parsed:
    data = read_object(line)
    try:
        return _fields(data)
    except ValueError as error:
        raise Unreadable(str(error)) from None


def read_object(data: bytes) -> dict[str, Any]:
    """Return a JSON object in UTF-8; raises `Unreadable` for anything else, a repeated key and NaN included."""
    try:
        found = json.loads(decode_as(data.rstrip(), "utf-8", "UTF-8"), parse_constant=_no_constant, object_pairs_hook=_no_repeats)
        if not isinstance(found, dict):
            raise Unreadable(f"not a JSON object but {_kind(found)}")
        return found
    except json.JSONDecodeError as error:
        raise Unreadable(f"not valid JSON ({error.msg} at column {error.colno})") from None
    except RecursionError:
        raise Unreadable("JSON nested too deep") from None
    except ValueError as error:
        raise Unreadable(str(error)) from None


def _fields(data: dict[str, Any]) -> Parsed:
    """Take id, text and title from an object; every other key is metadata. `_id` is the id where both are given."""
    name = next((key for key in ("_id", "id") if key in data), None)
    id = None if name is None else _id(data.pop(name), name)
    text, title = data.pop("text", None), data.pop("title", None)
    if not isinstance(text, str):
        raise Unreadable(f"text is {_kind(text)}, not text" if text is not None else "no key text")
    if title is not None and not isinstance(title, str):
        raise Unreadable(f"title is {_kind(title)}, not text")
    if not text.strip():
        text, title = title or "", ""  # a row with only a title is its title: collections have such rows and judge them
    if not text.strip():
        raise Unreadable("no text")
    return Parsed(text, flat(_unwrap(data)), title or "", id=id)


def _id(value: Any, name: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return value
    raise Unreadable(f"{name} is {_kind(value)}, not text")


def _unwrap(data: dict[str, Any]) -> dict[str, Any]:
    """Lift the contents of `meta` and `metadata` to the top; raises `ValueError` when a key is then there with two values."""
    found = {k: v for k, v in data.items() if not (k in ("meta", "metadata") and isinstance(v, Mapping))}
    for wrapper in ("meta", "metadata"):
        if isinstance(data.get(wrapper), Mapping):
            for key, value in data[wrapper].items():
                if key in found and found[key] != value:
                    raise ValueError(f"key {key!r} is there twice with different values, beside {wrapper} and in it")
                found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"not valid JSON ({name} is no JSON number)")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ValueError(f"key {Counter(key for key, _ in pairs).most_common(1)[0][0]!r} is there twice; keep one")
    return data


def _kind(data: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return "null" if data is None else names.get(type(data), type(data).__name__)
