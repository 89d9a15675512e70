"""Metadata keeps its keys, values and types on its way through an index, and one rule says when it meets a condition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.index.meta import holds, loaded, number, path, stored
from rag.types import Condition

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
    ("text", "value"), [("3", 3.0), ("-0.5", -0.5), ("1e3", 1000.0), ("", None), ("x", None), ("nan", None), ("inf", None), (str(2**53), None)]
)
def test_number(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    ("value", "text", "meets"),
    [
        ("a", "a", True), ("a", "A", False), ("3", "3", True), ("3.0", "3", False),
        (3, "3", True), (3, "3.0", True), (3, "4", False), (3, "x", False), (0.5, ".5", True), (2**53, str(2**53), False),
        (True, "true", True), (True, "True", False), (True, "1", False), (False, "false", True), (False, "0", False),
        (("a", "b"), "b", True), (("a", "b"), "a, b", False), ((), "", False), (("1",), "1.0", False), ("", "", True),
    ],
)  # fmt: skip
def test_holds(value, text, meets):
    assert holds({"k": value}, [Condition("k", text)]) is meets
    assert holds({"other": value}, [Condition("k", text)]) is False


def test_conditions_are_joined_by_and_and_none_is_always_met():
    meta = {"a": 1, "b": "x"}
    assert holds(meta, [])
    assert holds(meta, [Condition("a", "1"), Condition("b", "x")])
    assert not holds(meta, [Condition("a", "1"), Condition("b", "y")])
