"""Filters as a Qdrant server takes them; the scope is their first condition, put there by us alone.

What `rag/index/edge_filter.py` says of the engine in this process holds here: it is the same engine. One thing differs:
the client carries dates in microseconds, so a bound written in nanoseconds is rounded down to one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from qdrant_client import models

from rag.dates import bound, number
from rag.errors import FilterError
from rag.filters import DOC, MODIFIED, And, Condition, Filter, Not, Or, field_of
from rag.index import meta
from rag.index.engine import Scope

_DEEPEST = 64  # the engine ends its process at about 1000; what a user writes is held to far less by `rag.filters.check`
_LOWEST = -1.7976931348623157e308  # every finite number is at least this
_BOUNDS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def tenant_filter(scope: Scope) -> models.Filter | None:
    """Return the filter of a scope alone; None when everything is in scope."""
    return compiled(scope, None)


def compiled(scope: Scope, where: Filter | None) -> models.Filter | None:
    """Return scope and filter joined by and, the scope first; None when there is nothing to hold to."""
    must: list[Any] = []
    if scope.tenant is not None:
        must.append(match("tenant", scope.tenant))
    if where is not None:
        must.append(_compiled(where, 1))
    return models.Filter(must=must) if must else None


def match(key: str, value: str) -> models.FieldCondition:
    """Return the condition that a payload field is a text, or a list that holds it."""
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


def _compiled(where: Filter, depth: int) -> models.Filter:
    if depth > _DEEPEST:
        raise FilterError(f"a filter nested more than {_DEEPEST} deep; flatten it")
    if isinstance(where, Not):
        return models.Filter(must_not=[_compiled(where.of, depth + 1)])
    if isinstance(where, (And, Or)):
        if not where.of:  # to the engine an empty list is no condition at all
            raise FilterError("a group of filters needs at least one")
        parts: list[Any] = [_compiled(f, depth + 1) for f in where.of]
        return models.Filter(must=parts) if isinstance(where, And) else models.Filter(should=parts)
    return _condition(where)


def _condition(c: Condition) -> models.Filter:
    name = field_of(c.key)
    if name is not None:
        return _metadata(meta.path(name), c)
    if c.key == DOC:
        return models.Filter(must=[_any("doc", c.values)])
    if c.key != MODIFIED:
        raise FilterError(f"unknown key {c.key[:60]!r}")
    if c.op == "exists":
        return models.Filter(must=[_numbers("modified", gte=_LOWEST)])
    return models.Filter(must=[_numbers("modified", **{_BOUNDS[c.op]: meta.seconds(c.values[0])})])


def _metadata(path: str, c: Condition) -> models.Filter:
    if c.op == "exists":
        filled = models.FieldCondition(key=path, match=models.MatchExcept(**{"except": [""]}))
        return models.Filter(should=[filled, _numbers(path, gte=_LOWEST)])
    if c.op in ("=", "in"):
        numbers = sorted({n for v in c.values if (n := number(v)) is not None})
        return models.Filter(should=[_any(path, c.values), *(_numbers(path, gte=n, lte=n) for n in numbers)])
    limit = number(c.values[0])
    if limit is not None:
        return models.Filter(must=[_numbers(path, **{_BOUNDS[c.op]: limit})])
    at = bound(c.values[0])
    if at is None:
        raise FilterError(f"{c.values[0][:60]!r} is neither a number nor a date")
    dates = models.DatetimeRange(**{_BOUNDS[c.op]: _EPOCH + timedelta(microseconds=at // 1000)})
    # Numbers are left out, since an indexed field reads them as microseconds.
    return models.Filter(must=[models.FieldCondition(key=path, range=dates)], must_not=[_numbers(path, gte=_LOWEST)])


def _any(key: str, values: tuple[str, ...]) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchAny(any=list(values)))


def _numbers(key: str, gt: float | None = None, gte: float | None = None, lt: float | None = None, lte: float | None = None) -> models.FieldCondition:
    return models.FieldCondition(key=key, range=models.Range(gt=gt, gte=gte, lt=lt, lte=lte))
