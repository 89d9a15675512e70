"""Filters made by hand are held to the limits of those that are read, and are joined without growing deeper."""

from __future__ import annotations

import pytest

from rag.errors import FilterError
from rag.filters import And, Condition, Not, Or, check, clauses, conjunction, field_of

A, B, C = (Condition(k, "=", ("1",)) for k in "abc")


def deep(levels):
    found = A
    for _ in range(levels - 1):
        found = Not(found)
    return found


def test_what_is_within_the_limits_comes_back_unchanged():
    for found in (
        A,
        deep(8),
        Or((A,) * 64),
        Condition("k", "in", ("v",) * 1000),
        Condition("k", "exists"),
        Condition("@doc", "in", ("a", "b")),
        Condition("@@doc", "<", ("1",)),
    ):
        assert check(found) is found


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (deep(9), "nested more than 8 deep"), (deep(5000), "nested more than 8 deep"), (Or((A,) * 65), "more than 64 conditions"),
        (And((Or((A,) * 40), Or((A,) * 40))), "more than 64 conditions"), (Condition("k", "in", ("v",) * 1001), "more than 1000 values"),
        (Condition("k", "=", ("x" * 16_385,)), "bytes of keys"), (And(()), "at least one"), (Or(()), "at least one"), (And([A]), "tuple"), ("k=v", "found str"),
        (Not("x"), "found str"),
        (Condition("k", "=", ()), "takes one value, found 0"), (Condition("k", "=", ("a", "b")), "takes one value, found 2"), (Condition("k", "in", ()), "at least one value"),
        (Condition("k", "exists", ("x",)), "takes no value"), (Condition("k", "~", ("x",)), "unknown operator '~'"), (Condition("k", "=", (3,)), "must be text"),
        (Condition("k", "=", "text"), "in a tuple"), (Condition(3, "=", ("x",)), "must be text"), (Condition("k", "=", ("\udcff",)), "surrogate"),
        (Condition("\ud800", "exists"), "surrogate"),
        (Condition("k", "<", ("x",)), "needs a number below 2^53 or a date"), (Condition("k", ">=", (str(2**53),)), "needs a number"),
        (Condition("k", ">", ("",)), "needs a number"),
        (Condition("@modified", ">", ("yesterday",)), "needs a number"), (Condition("@modified", "=", ("2026-01-01",)), "cannot be asked for by ="),
        (Condition("@doc", "exists"), "@doc cannot be asked for by exists; use =, in"), (Condition("@docs", "=", ("a",)), "unknown key '@docs'"),
        (Condition("@", "exists"), "unknown key"),
    ],
)  # fmt: skip
def test_what_is_not_is_refused_in_one_line(found, said):
    with pytest.raises(FilterError) as error:
        check(found)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_a_conjunction_is_flat_and_of_none_is_none():
    assert conjunction() is conjunction(None, None) is None
    assert conjunction(None, A) is A
    assert conjunction(A, And((B, C)), None, Or((A, B))) == And((A, B, C, Or((A, B))))


def test_every_condition_is_found_from_left_to_right():
    assert list(clauses(And((A, Not(Or((B, A))), C)))) == [A, B, A, C]


def test_only_a_key_with_one_at_sign_is_the_systems():
    assert [field_of(k) for k in ("k", "", "@doc", "@modified", "@@doc", "@@@x", "a@b")] == ["k", "", None, None, "@doc", "@@x", "a@b"]
