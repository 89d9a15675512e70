"""Filters as a Qdrant server takes them; the scope is their first condition, put there by us alone.

What `rag/index/edge_filter.py` says of the engine in this process holds here: it is the same engine. One thing differs:
the client carries dates in microseconds, so a bound written in nanoseconds is rounded down to one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from qdrant_client import models

from rag.dates import bound, number
from rag.errors import FilterError
from rag.filters import DOC, MODIFIED, Condition, Filter, field_of
from rag.index import filter_tree, meta
from rag.index.engine import Scope
from rag.index.filter_tree import BOUNDS, LOWEST

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def tenant_filter(scope: Scope) -> models.Filter | None:
    """Return the filter of a scope alone; None when everything is in scope."""
    return compiled(scope, None)


def compiled(scope: Scope, where: Filter | None) -> models.Filter | None:
    """Return scope and filter joined by and, the scope first; None when there is nothing to hold to."""
    return filter_tree.compiled(scope, where, lambda name: match("tenant", name), _joined, _condition)


def match(key: str, value: str) -> models.FieldCondition:
    """Return the condition that a payload field is a text, or a list that holds it."""
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


def _joined(kind: Literal["must", "should", "must_not"], parts: list[Any]) -> models.Filter:
    group: dict[str, Any] = {kind: parts}
    return models.Filter(**group)


def _condition(c: Condition) -> models.Filter:
    name = field_of(c.key)
    if name is not None:
        return _metadata(meta.path(name), c)
    if c.key == DOC:
        return models.Filter(must=[_any("doc", c.values)])
    if c.key != MODIFIED:
        raise FilterError(f"unknown key {c.key[:60]!r}")
    if c.op == "exists":
        return models.Filter(must=[_numbers("modified", gte=LOWEST)])
    return models.Filter(must=[_numbers("modified", **{BOUNDS[c.op]: meta.seconds(c.values[0])})])


def _metadata(path: str, c: Condition) -> models.Filter:
    if c.op == "exists":
        filled = models.FieldCondition(key=path, match=models.MatchExcept(**{"except": [""]}))
        return models.Filter(should=[filled, _numbers(path, gte=LOWEST)])
    if c.op in ("=", "in"):
        numbers = sorted({n for v in c.values if (n := number(v)) is not None})
        return models.Filter(should=[_any(path, c.values), *(_numbers(path, gte=n, lte=n) for n in numbers)])
    limit = number(c.values[0])
    if limit is not None:
        return models.Filter(must=[_numbers(path, **{BOUNDS[c.op]: limit})])
    at = bound(c.values[0])
    if at is None:
        raise FilterError(f"{c.values[0][:60]!r} is neither a number nor a date")
    dates = models.DatetimeRange(**{BOUNDS[c.op]: _EPOCH + timedelta(microseconds=at // 1000)})
    # Numbers are left out, since an indexed field reads them as microseconds.
    return models.Filter(must=[models.FieldCondition(key=path, range=dates)], must_not=[_numbers(path, gte=LOWEST)])


def _any(key: str, values: tuple[str, ...]) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchAny(any=list(values)))


def _numbers(key: str, gt: float | None = None, gte: float | None = None, lt: float | None = None, lte: float | None = None) -> models.FieldCondition:
    return models.FieldCondition(key=key, range=models.Range(gt=gt, gte=gte, lt=lt, lte=lte))
