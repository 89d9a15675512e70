"""What compiling a filter has in common for every engine: the walk down its tree, the scope before it, and the depth it may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from rag.errors import FilterError
from rag.filters import And, Condition, Filter, Not, Or
from rag.index.engine import Scope

F = TypeVar("F")
Join = Callable[[Literal["must", "should", "must_not"], list[Any]], F]
DEEPEST = 64  # Qdrant ends its process at about 1000; what a user writes is held to far less by `rag.filters.check`
LOWEST = -1.7976931348623157e308  # every finite number is at least this
BOUNDS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def compiled(scope: Scope, where: Filter | None, tenant: Callable[[str], Any], join: Join[F], leaf: Callable[[Condition], F]) -> F | None:
    """Return scope and filter joined by and, the scope first; None when there is nothing to hold to.

    `tenant` and `leaf` make an engine's conditions, `join` groups them. Raises `FilterError` for a tree no engine may see.
    """
    must: list[Any] = []
    if scope.tenant is not None:
        must.append(tenant(scope.tenant))
    if where is not None:
        must.append(_walked(where, join, leaf, 1))
    return join("must", must) if must else None


def _walked(where: Filter, join: Join[F], leaf: Callable[[Condition], F], depth: int) -> F:
    if depth > DEEPEST:
        raise FilterError(f"a filter nested more than {DEEPEST} deep; flatten it")
    if isinstance(where, Not):
        return join("must_not", [_walked(where.of, join, leaf, depth + 1)])
    if isinstance(where, (And, Or)):
        if not where.of:  # to an engine an empty list is no condition at all
            raise FilterError("a group of filters needs at least one")
        return join("must" if isinstance(where, And) else "should", [_walked(f, join, leaf, depth + 1) for f in where.of])
    return leaf(where)
