"""Front matter and JSON objects become flat metadata, or stay text."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.loaders.base import Limit
from rag.loaders.meta import flat, front_matter
from rag.loaders.text import parse


def test_front_matter_of_every_type() -> None:
    """Scalars keep their type, dates become ISO text, lists of scalars become texts, mappings are flattened once."""
    text = (
        "---\ntitle: A b\nyear: 2024\nrate: 0.5\ndraft: false\ndate: 2024-03-01\nat: 2024-03-01 10:20:30\n"
        "tags: [a, 3.11, yes]\nempty:\nlang: {code: en, region: {iso: GB}}\nmix: [a, [b]]\n---\nBody"
    )
    meta, body = front_matter(text)
    assert text[body:] == "Body"
    assert meta == {
        "title": "A b", "year": 2024, "rate": 0.5, "draft": False, "date": "2024-03-01", "at": "2024-03-01T10:20:30", "tags": ("a", "3.11", "true"),
        "lang.code": "en", "lang.region": "{'iso': 'GB'}", "mix": "['a', ['b']]",
    }  # fmt: skip
    assert type(meta["draft"]) is bool


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("---\na: 1\n---\nx", 13),
        ("---\r\na: 1\r\n---\r\nx", 16),
        ("---  \na: 1\n--- \t\nx", 17),
        ("---\na: 1\n---", 12),
        ("---\n---\nx", 8),
        ("---\na: 1\n---b\nc: 2\n---\nx", 0),  # `---b` does not close, and is then no YAML mapping
        ("---\na: 1\n----\nx", 0),
        ("---\na: 1\n", 0),
        ("----\na: 1\n---\nx", 0),
        (" ---\na: 1\n---\nx", 0),
        ("\n---\na: 1\n---\nx", 0),
        ("x", 0),
        ("---", 0),
    ],
)
def test_where_front_matter_ends(text: str, body: int) -> None:
    """The body starts behind the line that closes the block; without a proper block the whole text is body."""
    assert front_matter(text)[1] == body


@pytest.mark.parametrize(
    "block",
    [
        "a: [1", "a: *x", "b: &x 1\na: *x", "a: 1\na: 2", "just text", "- a\n- b", "1: 2", "a: !!python/object:os.system x", "a: !!bool x",
        "a: !!int ''", "a: !!timestamp x",
        'a: "\\ud800"', "a: {b: 1}\na.b: 2", "a: " + "[" * 40 + "]" * 40, "a: 2024-02-31", "a: 0x" + "f" * 9000, "a: " + "1:" * 400 + "1.5",
    ],
)  # fmt: skip
def test_broken_front_matter_is_text(block: str) -> None:
    """What is no plain YAML mapping is not metadata, and nothing of the document is lost."""
    text = f"---\n{block}\n---\nBody"
    parsed = parse(text.encode(), Limit(1))
    assert (parsed.text, parsed.body, dict(parsed.meta)) == (text, 0, {})


def test_front_matter_is_at_most_64_kb() -> None:
    """A block that closes beyond 64 KB is text; one that closes just inside is metadata."""
    inside = "---\na: " + "x" * (65_536 - 7 - 4) + "\n---\nBody"
    assert inside.index("\n---\nBody") == 65_532
    assert front_matter(inside)[1] == 65_537
    assert front_matter(inside.replace("a: ", "a: x"))[1] == 0


def test_a_set_has_one_order() -> None:
    """A YAML set gives the same metadata in every process."""
    assert front_matter("---\na: !!set {c, a, b}\n---\n")[0] == {"a": ("a", "b", "c")}


@pytest.mark.parametrize(("value", "kept"), [(2**63 - 1, 2**63 - 1), (2**63, str(2**63)), (-(2**63), -(2**63)), (math.inf, "inf"), (math.nan, "nan"), ([], ())])
def test_numbers_no_index_can_hold_become_text(value: object, kept: object) -> None:
    """Over 64 bits, infinite or NaN: kept as text, so that no number is ever NaN."""
    assert flat({"a": value}) == {"a": kept}


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="."), max_size=3), NESTED, max_size=4))
def test_metadata_is_always_of_the_declared_types(data: dict[str, object]) -> None:
    """Whatever JSON or YAML holds, a value is a finite scalar or a tuple of texts."""
    for value in flat(data).values():
        assert type(value) in (str, bool, int, float, tuple)
        assert not isinstance(value, float) or math.isfinite(value)
        assert not isinstance(value, tuple) or all(type(part) is str for part in value)
