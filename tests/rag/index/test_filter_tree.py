"""The walk that every engine compiles a filter by: the scope first, groups as they nest, and no tree that an engine may not see."""

from __future__ import annotations

import pytest

from rag.errors import FilterError
from rag.filters import And, Condition, Not, Or
from rag.index.engine import Scope
from rag.index.filter_tree import DEEPEST, compiled

A, B = Condition("a", "exists"), Condition("b", "exists")


def shown(where, tenant=None):
    return compiled(Scope(tenant), where, lambda name: f"tenant {name}", lambda kind, parts: (kind, *parts), lambda c: c.key)


@pytest.mark.parametrize(
    ("where", "tenant", "expected"),
    [
        (None, None, None),
        (None, "red", ("must", "tenant red")),
        (A, None, ("must", "a")),
        (Or((A, Not(And((A, B))))), "red", ("must", "tenant red", ("should", "a", ("must_not", ("must", "a", "b"))))),
    ],
)
def test_the_scope_comes_before_the_filter_and_joins_it_by_and(where, tenant, expected):
    assert shown(where, tenant) == expected


def nested(depth):
    where = A
    for _ in range(depth - 1):
        where = Not(where)
    return where


def test_what_would_end_the_engine_or_hold_to_nothing_is_refused():
    assert shown(nested(DEEPEST)) is not None
    with pytest.raises(FilterError, match="nested more than"):
        shown(nested(DEEPEST + 1))
    for empty in (And(()), Or(())):
        with pytest.raises(FilterError, match="at least one"):
            shown(Not(empty))
