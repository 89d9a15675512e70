"""Metadata in an index: how it is stored, how a field is addressed, and when it meets a condition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rag.types import Condition, Meta, Scalar

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


def number(text: str) -> float | None:
    """Return the number a condition's value reads as, up to 2^53 in size; None when it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 2**53 else None  # None for NaN


def holds(meta: Meta, conditions: Iterable[Condition]) -> bool:
    """Whether metadata meets every condition, by the engine's rule: any item of a list, and a number as text or number."""
    return all(_meets(meta.get(c.key), c.value) for c in conditions)


def _meets(value: Scalar | tuple[str, ...] | None, text: str) -> bool:
    if value is None:
        return False
    if isinstance(value, tuple):
        return text in value
    if isinstance(value, (str, bool)):
        return _stored_value(value) == text
    return value == number(text)


def _stored_key(key: str) -> str:
    for plain, escaped in _ESCAPES:
        key = key.replace(plain, escaped)
    return key


def _stored_value(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
