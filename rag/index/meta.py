"""Metadata in an index: how it is stored, how a field is addressed, and when it meets a condition."""

from __future__ import annotations

from collections.abc import Mapping

from rag.dates import NS, bound, moment, number
from rag.filters import DOC, ORDERS, And, Condition, Filter, Not, Or, field_of
from rag.types import Meta, Scalar

# A field is addressed by a quoted path, in which these cannot be written; the percent sign, so that this can be undone.
_ESCAPES = (("%", "%25"), ('"', "%22"), ("\\", "%5C"))


def path(key: str) -> str:
    """Return the path of a metadata field in a payload; quoted, since a key may hold dots, spaces and brackets."""
    return f'meta."{_stored_key(key)}"'


def stored(meta: Meta) -> dict[str, object]:
    """Return metadata as a payload holds it: booleans as `true` and `false`, since the engine matches no boolean."""
    return {_stored_key(k): _stored_value(v) for k, v in meta.items()}


def loaded(payload: Mapping[str, object], document: Meta) -> Meta:
    """Return metadata as it was before it was `stored`; `document`, the metadata of the whole, tells what was boolean."""
    found: dict[str, Scalar | tuple[str, ...]] = {}
    for name, value in payload.items():
        key = name
        for plain, escaped in reversed(_ESCAPES):
            key = key.replace(escaped, plain)
        whole = document.get(key)
        same = isinstance(whole, bool) and _stored_value(whole) == value
        found[key] = whole if same else tuple(value) if isinstance(value, list) else value  # type: ignore[assignment]  # the gate let only metadata in
    return found


def holds(meta: Meta, where: Filter | None, doc: str = "", modified: float | None = None) -> bool:
    """Whether a document of this metadata, id and time meets a filter: the meaning that every engine is tested against."""
    if where is None:
        return True
    if isinstance(where, Not):
        return not holds(meta, where.of, doc, modified)
    if isinstance(where, (And, Or)):
        return (all if isinstance(where, And) else any)(holds(meta, f, doc, modified) for f in where.of)
    name = field_of(where.key)
    if name is not None:
        return _meets(meta.get(name), where)
    if where.key == DOC:
        return doc in where.values
    if where.op == "exists" or modified is None:
        return modified is not None
    return bool(ORDERS[where.op](modified, seconds(where.values[0])))


def seconds(text: str) -> float:
    """Return the bound of a condition on `@modified` in seconds since the epoch."""
    value = number(text)
    return value if value is not None else (bound(text) or 0) / NS


def _meets(value: Scalar | tuple[str, ...] | None, c: Condition) -> bool:
    items = value if isinstance(value, tuple) else () if value is None else (value,)
    if c.op == "exists":
        return any(item != "" for item in items)
    if c.op in ORDERS:
        return any(_ordered(item, c.op, c.values[0]) for item in items)
    return any(_equal(item, text) for item in items for text in c.values)


def _equal(value: Scalar, text: str) -> bool:
    return _stored_value(value) == text if isinstance(value, (str, bool)) else value == number(text)


def _ordered(value: Scalar, op: str, text: str) -> bool:
    limit = number(text)
    if limit is not None:
        return not isinstance(value, (str, bool)) and bool(ORDERS[op](value, limit))
    found, at = moment(value) if isinstance(value, str) else None, bound(text)
    return found is not None and at is not None and bool(ORDERS[op](found, at))


def _stored_key(key: str) -> str:
    for plain, escaped in _ESCAPES:
        key = key.replace(plain, escaped)
    return key


def _stored_value(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
