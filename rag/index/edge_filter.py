"""Filters as the engine in this process takes them; the scope is their first condition, put there by us alone.

They mean the same with and without a payload index on a field. Three of the engine's ways are worked around: it matches a
date order against the numbers of an indexed field (read as microseconds), it has no condition for "not empty" that
sees empty text, and it takes filters so deep that they end the process.
"""

from __future__ import annotations

from typing import Any

import qdrant_edge as edge

from rag.dates import bound, iso, number
from rag.errors import FilterError
from rag.filters import DOC, MODIFIED, And, Condition, Filter, Not, Or, field_of
from rag.index import meta
from rag.index.engine import Scope

_DEEPEST = 64  # the engine ends the process at about 1000; what a user writes is held to far less by `rag.filters.check`
_LOWEST = -1.7976931348623157e308  # every finite number is at least this
_BOUNDS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def compiled(scope: Scope, where: Filter | None) -> edge.Filter | None:
    """Return scope and filter joined by and, the scope first; None when there is nothing to hold to."""
    must: list[Any] = []
    if scope.tenant is not None:
        must.append(edge.FieldCondition("tenant", match=edge.MatchValue(scope.tenant)))
    if where is not None:
        must.append(_compiled(where, 1))
    return edge.Filter(must=must) if must else None


def _compiled(where: Filter, depth: int) -> edge.Filter:
    if depth > _DEEPEST:
        raise FilterError(f"a filter nested more than {_DEEPEST} deep; flatten it")
    if isinstance(where, Not):
        return edge.Filter(must_not=[_compiled(where.of, depth + 1)])
    if isinstance(where, (And, Or)):
        if not where.of:  # to the engine an empty list is no condition at all
            raise FilterError("a group of filters needs at least one")
        parts: list[Any] = [_compiled(f, depth + 1) for f in where.of]
        return edge.Filter(must=parts) if isinstance(where, And) else edge.Filter(should=parts)
    return _condition(where)


def _condition(c: Condition) -> edge.Filter:
    name = field_of(c.key)
    if name is not None:
        return _metadata(meta.path(name), c)
    if c.key == DOC:
        return edge.Filter(must=[edge.FieldCondition("doc", match=edge.MatchAny(list(c.values)))])
    if c.key != MODIFIED:
        raise FilterError(f"unknown key {c.key[:60]!r}")
    limits = {"gte": _LOWEST} if c.op == "exists" else {_BOUNDS[c.op]: meta.seconds(c.values[0])}
    return edge.Filter(must=[edge.FieldCondition("modified", range=edge.RangeFloat(**limits))])


def _metadata(path: str, c: Condition) -> edge.Filter:
    numeric = edge.FieldCondition(path, range=edge.RangeFloat(gte=_LOWEST))
    if c.op == "exists":
        return edge.Filter(should=[edge.FieldCondition(path, match=edge.MatchExcept([""])), numeric])
    if c.op in ("=", "in"):
        numbers = sorted({n for v in c.values if (n := number(v)) is not None})
        equal = [edge.FieldCondition(path, range=edge.RangeFloat(gte=n, lte=n)) for n in numbers]
        return edge.Filter(should=[edge.FieldCondition(path, match=edge.MatchAny(list(c.values))), *equal])
    limit = number(c.values[0])
    if limit is not None:
        return edge.Filter(must=[edge.FieldCondition(path, range=edge.RangeFloat(**{_BOUNDS[c.op]: limit}))])
    at = bound(c.values[0])
    if at is None:
        raise FilterError(f"{c.values[0][:60]!r} is neither a number nor a date")
    dates = edge.FieldCondition(path, range=edge.RangeDateTime(**{_BOUNDS[c.op]: iso(at)}))
    return edge.Filter(must=[dates], must_not=[numeric])
