"""Metadata keeps its keys, values and types on its way through an index, and one rule says when it meets a condition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.filters import And, Condition, Not, Or
from rag.index.meta import holds, loaded, path, seconds, stored

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(["%22", '"', "\\", "%", "%25", "a.b", "a[0]", 'x"%5C'])
VALUES = st.text(max_size=5) | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.booleans() | st.lists(st.text(max_size=3)).map(tuple)


@given(st.dictionaries(KEYS, VALUES))
def test_what_is_stored_is_loaded_again_with_its_types(meta):
    raw = {k: list(v) if isinstance(v, tuple) else v for k, v in stored(meta).items()}
    found = loaded(raw, meta)
    assert found == meta
    assert {k: type(v) for k, v in found.items()} == {k: type(v) for k, v in meta.items()}
    assert len(raw) == len(meta)


@given(KEYS)
def test_a_path_is_quoted_and_holds_nothing_that_ends_the_quotes(key):
    assert path(key).startswith('meta."')
    assert path(key).endswith('"')
    inside = path(key)[6:-1]
    assert '"' not in inside
    assert "\\" not in inside


def test_booleans_are_stored_as_text_because_the_engine_matches_no_boolean():
    assert stored({"draft": True, "final": False}) == {"draft": "true", "final": "false"}


@pytest.mark.parametrize(
    ("value", "text", "meets"),
    [
        ("a", "a", True), ("a", "A", False), ("3", "3", True), ("3.0", "3", False),
        (3, "3", True), (3, "3.0", True), (3, "4", False), (3, "x", False), (0.5, ".5", True), (2**53, str(2**53), False),
        (True, "true", True), (True, "True", False), (True, "1", False), (False, "false", True), (False, "0", False),
        (("a", "b"), "b", True), (("a", "b"), "a, b", False), ((), "", False), (("1",), "1.0", False), ("", "", True),
    ],
)  # fmt: skip
def test_equality_and_membership(value, text, meets):
    assert holds({"k": value}, Condition("k", "=", (text,))) is meets
    assert holds({"k": value}, Condition("k", "in", ("no such", text))) is meets
    assert holds({"other": value}, Condition("k", "=", (text,))) is False
    assert holds({"k": value}, Not(Condition("k", "=", (text,)))) is not meets
    assert holds({"other": value}, Not(Condition("k", "=", (text,)))) is True


@pytest.mark.parametrize(
    ("value", "op", "text", "meets"),
    [
        (3, "<", "3", False), (3, "<=", "3.0", True), (2.5, ">", "2", True), (-1, ">=", "-0.5", False), ("3", ">", "2", False), (True, ">", "0", False), (2**62, ">", "5", True),
        ("2026-01-31", ">=", "2026-01-31", True), ("2026-01-31T10:00:00+02:00", "<", "2026-01-31T08:00:01Z", True), ("2026-01-31", "<", "2026-01-31T00:00:00", False),
        ("2026", ">", "2020-01-01", False), (2026, ">", "2020-01-01", False), ("soon", ">", "2020-01-01", False), (("x", "2026-01-31"), ">", "2026-01-30", True),
        ((), "<", "5", False),
        ("2026-01-31", ">", "5", False), ("", "<", "5", False),
    ],
)  # fmt: skip
def test_orders_compare_numbers_with_numbers_and_dates_with_dates(value, op, text, meets):
    assert holds({"k": value}, Condition("k", op, (text,))) is meets
    assert holds({}, Condition("k", op, (text,))) is False


@pytest.mark.parametrize(
    ("value", "meets"), [("x", True), ("", False), (0, True), (0.0, True), (False, True), ((), False), (("",), False), (("", "x"), True), (("", ""), False)]
)
def test_exists_asks_for_a_value_that_is_not_empty(value, meets):
    assert holds({"k": value}, Condition("k", "exists")) is meets
    assert holds({"other": value}, Condition("k", "exists")) is False


def test_groups_are_joined_as_they_say_and_none_is_always_met():
    meta, a, b, c = {"a": 1, "b": "x"}, Condition("a", "=", ("1",)), Condition("b", "=", ("x",)), Condition("b", "=", ("y",))
    assert holds(meta, None)
    assert [holds(meta, f) for f in (And((a, b)), And((a, c)), Or((c, a)), Or((c, c)), Not(Or((c, a))))] == [True, False, True, False, False]


def test_the_systems_keys_are_not_metadata():
    meta = {"@doc": "other", "@modified": "2026-01-31"}
    asked = [
        Condition("@doc", "=", ("a.md",)),
        Condition("@doc", "in", ("b.md", "a.md")),
        Condition("@doc", "=", ("other",)),
        Condition("@@doc", "=", ("other",)),
    ]
    assert [holds(meta, f, "a.md", None) for f in asked] == [True, True, False, True]
    later, known = Condition("@modified", ">=", ("1970-01-02",)), Condition("@modified", "exists")
    assert [holds(meta, later, "a.md", t) for t in (86_400.0, 86_399.9, None)] == [True, False, False]
    assert [holds(meta, known, "a.md", t) for t in (0.0, None)] == [True, False]
    assert [holds(meta, Not(later), "a.md", t) for t in (86_399.9, None)] == [True, True]
    assert holds(meta, Condition("@@modified", ">=", ("2026-01-31",)))


def test_a_bound_on_the_time_of_modification_is_a_date_or_seconds():
    assert [seconds(t) for t in ("1970-01-01T00:00:01.5Z", "-3", "0.25")] == [1.5, -3.0, 0.25]
