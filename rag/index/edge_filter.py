"""Filters as the engine in this process takes them; the scope is their first condition, put there by us alone.

They mean the same with and without a payload index on a field. Three of the engine's ways are worked around: it matches a
date order against the numbers of an indexed field (read as microseconds), it has no condition for "not empty" that
sees empty text, and it takes filters so deep that they end the process.
"""

from __future__ import annotations

from typing import Any, Literal

import qdrant_edge as edge

from rag.dates import bound, iso, number
from rag.errors import FilterError
from rag.filters import DOC, MODIFIED, Condition, Filter, field_of
from rag.index import filter_tree, meta
from rag.index.engine import Scope
from rag.index.filter_tree import BOUNDS, LOWEST


def compiled(scope: Scope, where: Filter | None) -> edge.Filter | None:
    """Return scope and filter joined by and, the scope first; None when there is nothing to hold to."""
    return filter_tree.compiled(scope, where, _tenant, _joined, _condition)


def _tenant(name: str) -> edge.FieldCondition:
    return edge.FieldCondition("tenant", match=edge.MatchValue(name))


def _joined(kind: Literal["must", "should", "must_not"], parts: list[Any]) -> edge.Filter:
    group: dict[str, Any] = {kind: parts}
    return edge.Filter(**group)


def _condition(c: Condition) -> edge.Filter:
    name = field_of(c.key)
    if name is not None:
        return _metadata(meta.path(name), c)
    if c.key == DOC:
        return edge.Filter(must=[edge.FieldCondition("doc", match=edge.MatchAny(list(c.values)))])
    if c.key != MODIFIED:
        raise FilterError(f"unknown key {c.key[:60]!r}")
    limits = {"gte": LOWEST} if c.op == "exists" else {BOUNDS[c.op]: meta.seconds(c.values[0])}
    return edge.Filter(must=[edge.FieldCondition("modified", range=edge.RangeFloat(**limits))])


def _metadata(path: str, c: Condition) -> edge.Filter:
    numeric = edge.FieldCondition(path, range=edge.RangeFloat(gte=LOWEST))
    if c.op == "exists":
        return edge.Filter(should=[edge.FieldCondition(path, match=edge.MatchExcept([""])), numeric])
    if c.op in ("=", "in"):
        numbers = sorted({n for v in c.values if (n := number(v)) is not None})
        equal = [edge.FieldCondition(path, range=edge.RangeFloat(gte=n, lte=n)) for n in numbers]
        return edge.Filter(should=[edge.FieldCondition(path, match=edge.MatchAny(list(c.values))), *equal])
    limit = number(c.values[0])
    if limit is not None:
        return edge.Filter(must=[edge.FieldCondition(path, range=edge.RangeFloat(**{BOUNDS[c.op]: limit}))])
    at = bound(c.values[0])
    if at is None:
        raise FilterError(f"{c.values[0][:60]!r} is neither a number nor a date")
    dates = edge.FieldCondition(path, range=edge.RangeDateTime(**{BOUNDS[c.op]: iso(at)}))
    return edge.Filter(must=[dates], must_not=[numeric])
