"""Conditions on metadata: what a query's `where` is made of, what each part of it means, and how large it may be.

`rag.filter_text` has the little language they are written in. What they mean, wherever they are evaluated:

- `=` and `in` match any item of a list. A value that reads as a number also equals that number; `true` and `false` are the
  booleans. Text is compared exactly.
- `<`, `<=`, `>`, `>=` compare a number with numbers, and a date (`2026-01-31`, `2026-01-31T10:00:00Z`; UTC without a zone,
  a day is its first moment) with text that is a date. Of a list any item may do.
- `exists` is true when the key is there and its value is not the empty text, nor a list of nothing else.
- `Not` is true wherever its filter is not: of documents without the key too.

A key names metadata. Two keys are the system's: `@doc`, the document's id (`=` and `in`), and `@modified`, when the document
was last modified (orders by date or by seconds since the epoch, and `exists`; unknown times meet no order). Metadata whose own
key begins with `@` is reached by one more: `@@doc` is the metadata `@doc`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from rag.dates import bound, number
from rag.errors import FilterError

Op: TypeAlias = Literal["=", "<", "<=", ">", ">=", "in", "exists"]
OPS: tuple[str, ...] = get_args(Op)
ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
DOC, MODIFIED = "@doc", "@modified"
ALLOWED = {DOC: ("=", "in"), MODIFIED: (*ORDERS, "exists")}
MAX_DEPTH, MAX_CLAUSES, MAX_VALUES, MAX_BYTES = 8, 64, 1000, 16 * 1024


@dataclass(frozen=True, slots=True)
class Condition:
    """`key op values`: one value for `=` and the orders, at least one for `in`, none for `exists`.

    `=` and `in` match any item of a list, and a number as text or as number. `@doc` and `@modified` are not metadata
    but the document's id and the time it was last modified.
    """

    key: str
    op: Op
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class And:
    """All of them hold."""

    of: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them holds."""

    of: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold; so it is true of documents without the key."""

    of: Filter


Filter: TypeAlias = Condition | And | Or | Not


def conjunction(*filters: Filter | None) -> Filter | None:
    """Return the filters joined by and: one `And`, however they were nested before; None of none."""
    parts: list[Filter] = []
    for one in filters:
        parts += one.of if isinstance(one, And) else () if one is None else (one,)
    return And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None


def clauses(found: Filter) -> Iterator[Condition]:
    """Yield every condition of a filter, from left to right."""
    stack: list[Filter] = [found]
    while stack:
        one = stack.pop()
        if isinstance(one, Condition):
            yield one
        else:
            stack += reversed(one.of) if isinstance(one, (And, Or)) else (one.of,)


def field_of(key: str) -> str | None:
    """Return the metadata key that a condition's key names; None for a key of the system."""
    return key[1:] if key.startswith("@@") else None if key.startswith("@") else key


def check(found: Filter) -> Filter:
    """Return a filter unchanged when it is well-formed and within the limits.

    At most 8 deep, 64 conditions, 1000 values and 16 KB of keys and values: a filter reaches native code that has no limits
    of its own. Raises `FilterError` with one line.
    """
    stack: list[tuple[Any, int]] = [(found, 1)]
    conditions = values = size = 0
    while stack:
        one, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise FilterError(f"a filter nested more than {MAX_DEPTH} deep; flatten it")
        if isinstance(one, Condition):
            size += _check_condition(one)
            conditions, values = conditions + 1, values + len(one.values)
            _hold(conditions, MAX_CLAUSES, "conditions")
            _hold(values, MAX_VALUES, "values")
            _hold(size, MAX_BYTES, "bytes of keys and values")
        elif isinstance(one, Not):
            stack.append((one.of, depth + 1))
        elif isinstance(one, (And, Or)) and isinstance(one.of, tuple) and one.of:
            _hold(len(one.of), MAX_CLAUSES, "conditions")
            stack += [(part, depth + 1) for part in one.of]
        else:
            raise FilterError(f"a filter is made of Condition, And, Or and Not, the groups with a tuple of at least one; found {type(one).__name__}")
    return found


def _hold(count: int, most: int, what: str) -> None:
    if count > most:
        raise FilterError(f"a filter of more than {most} {what}; split it, or keep what it selects in one metadata field")


def _check_condition(c: Condition) -> int:
    """Return how many bytes the texts of a condition take; raises `FilterError` when it says nothing that can be evaluated."""
    texts = (c.key, *c.values) if isinstance(c.values, tuple) else (c.key, c.values)
    if not all(isinstance(t, str) for t in texts) or not isinstance(c.values, tuple):
        raise FilterError(f"condition on {str(c.key)[:60]!r}: key and values must be text, the values in a tuple")
    shown = c.key[:60]
    if c.op not in OPS:
        raise FilterError(f"condition on {shown!r}: unknown operator {str(c.op)[:20]!r}; there are: {', '.join(OPS)}")
    if c.key.startswith("@") and not c.key.startswith("@@"):
        _check_system(c, shown)
    if (len(c.values) != 1) if c.op in ("=", *ORDERS) else (not c.values) if c.op == "in" else bool(c.values):
        needs = {"in": "at least one value", "exists": "no value"}.get(c.op, "one value")
        raise FilterError(f"condition on {shown!r}: {c.op} takes {needs}, found {len(c.values)}")
    if c.op in ORDERS and number(c.values[0]) is None and bound(c.values[0]) is None:
        raise FilterError(
            f"condition on {shown!r}: {c.op} needs a number below 2^53 or a date such as 2026-01-31 or 2026-01-31T10:00:00Z, found {c.values[0][:60]!r}"
        )
    try:
        return sum(len(t.encode("utf-8")) for t in texts)
    except UnicodeEncodeError:
        raise FilterError(f"condition on {shown!r}: half a surrogate pair is no text") from None


def _check_system(c: Condition, shown: str) -> None:
    if c.key not in ALLOWED:
        raise FilterError(f"unknown key {shown!r}: the system's are {', '.join(ALLOWED)}; write metadata that begins with @ in quotes, or with @@")
    if c.op not in ALLOWED[c.key]:
        raise FilterError(f"{c.key} cannot be asked for by {c.op}; use {', '.join(ALLOWED[c.key])}")
