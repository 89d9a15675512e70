"""Places: the page and the headings of a span, spelt as the `markdown` chunker spells them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.blocks import blocks
from rag.chunk.markdown import Markdown
from rag.places import Places
from rag.runtime import Runtime
from rag.types import Document

PAGED = Document("d", "First page\n\n\n\nThird", {"pages": 3, "page_starts": ("0", "12", "14")})


@pytest.mark.parametrize(
    ("start", "end", "place"),
    [
        (0, 10, {"page": 1}),
        (0, 12, {"page": 1}),  # the gap after a page is its own
        (0, 13, {"page": 1, "last_page": 2}),
        (12, 13, {"page": 2}),
        (14, 19, {"page": 3}),
        (5, 19, {"page": 1, "last_page": 3}),
        (12, 12, {"page": 2}),
    ],
)
def test_the_pages_of_a_span(start: int, end: int, place: dict[str, int]) -> None:
    """Counted from 1, an empty page among them; the last one where it is another."""
    assert Places(PAGED).of(start, end) == place


@pytest.mark.parametrize("starts", ["0", ("0", "x"), ("5", "0"), ("-1",), ("9" * 30,), (), 7])
def test_page_starts_that_are_none_give_no_page(starts: object) -> None:
    """Front matter can have such a key too."""
    assert Places(Document("d", "text", {"page_starts": starts})).of(0, 4) == {}  # type: ignore[dict-item]  # what no loader makes


TEXT = """---
# not: a heading
---
Before.

# Title

Intro.

## One {#one}

a

```
# no heading
```

## Two

b

Other
=====

c
"""
DOCUMENT = Document("d", TEXT, body=TEXT.index("Before"))


@pytest.mark.parametrize(
    ("first", "last", "heading"),
    [
        ("Before", ".", None),
        ("Intro", "Intro", "Title"),
        ("# Title", "Intro", "Title"),
        ("a\n\n```", "```\n\n", "Title > One"),
        ("# no heading", "# no heading", "Title > One"),
        ("b\n", "b\n", "Title > Two"),
        ("a\n\n`", "b\n", "Title"),  # two sections: what they share
        ("b\n", "c\n", None),
        ("c\n", "c\n", "Other"),
        ("# not", "# not", None),
    ],
)
def test_the_headings_above_a_span(first: str, last: str, heading: str | None) -> None:
    """A path from the top; none in fences and front matter; setext headings count, marks and attributes do not."""
    start = TEXT.index(first)
    end = TEXT.index(last, start) + len(last)
    assert Places(DOCUMENT).of(start, end).get("heading") == heading


def test_a_page_and_a_heading_together() -> None:
    """A PDF whose text has a heading line."""
    assert Places(Document("d", "# A\n\ntext", {"page_starts": ("0",)})).of(5, 9) == {"page": 1, "heading": "A"}


LINES = st.lists(st.sampled_from(["# A", "## B", "### C", "# D", "text", "- item", "```", "| a | b |", "| - | - |", "", "E\n=", "F\n-", "    # code", "> # q"]))


@settings(deadline=None, max_examples=300)
@given(LINES)
def test_the_path_is_that_of_the_markdown_chunker(shared_runtime: Runtime, lines: list[str]) -> None:
    """For every piece that it cuts, section by section or joined."""
    document = Document("d", "\n".join([*lines, "end"]))
    places = Places(document)
    for chunker in (Markdown(size=10**6, merge=False, unit="characters"), Markdown(size=30, unit="characters")):
        for piece in chunker.chunk(document, shared_runtime):
            assert places.of(piece.start, piece.end) == dict(piece.meta), (piece, document.text)


@settings(deadline=None)
@given(st.text("# ab\n`=-", max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_any_span_of_any_text_has_a_place(text: str, a: int, b: int) -> None:
    """A heading, if any, is text, and never an error."""
    found = Places(Document("d", text)).of(min(a, b, len(text)), min(max(a, b), len(text)))
    assert set(found) <= {"heading"}


@given(st.text("#=-ab \t\n\r", max_size=30), st.integers(0, 5))
def test_every_heading_there_is_stands_above_its_own_text(text, body):
    """Texts are not read by line where no line can be one of a heading: that must not lose any."""
    document = Document("a", text, body=min(body, len(text)))
    places = Places(document)
    for block in blocks(text, document.body):
        if block.kind == "heading":
            assert block in places.headings(block.start, block.end)
