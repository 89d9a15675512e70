"""Reading Markdown by line."""

from __future__ import annotations

import pytest

from rag.blocks import blocks, items


def read(text: str) -> list[tuple[str, str]]:
    """Return kind and text of every block."""
    return [(b.kind, text[b.start : b.end]) for b in blocks(text)]


def test_headings_of_both_kinds() -> None:
    """ATX by its marks, setext by the line below; each with its level and its text."""
    found = blocks("# One #\ntext\n\nTwo\nlines\n=====\n\nThree\n---\n## Four { #four }\n####### seven\n#hash\n")
    assert [(b.level, b.title) for b in found if b.kind == "heading"] == [(1, "One"), (1, "Two lines"), (2, "Three"), (2, "Four")]
    assert found[-1].kind == "paragraph"


@pytest.mark.parametrize(("row", "title"), [("# C#", "C#"), ("# a ##", "a"), ("#", ""), ("# ##", ""), ("#\tx", "x"), ("# f{x} y", "f{x} y")])
def test_the_text_of_a_heading(row: str, title: str) -> None:
    """Closing marks go only after a space; braces only at the end."""
    assert [b.title for b in blocks(row)] == [title]


def test_a_heading_is_kept_to_200_characters() -> None:
    """Every chunk below repeats it: a line of a megabyte must not be copied into each."""
    assert len(blocks("# " + "x" * 1000)[0].title) == 200


def test_a_fence_hides_what_looks_like_markdown() -> None:
    """Until a closing mark of the same kind that is as long."""
    text = "````md\n# no\n```\n~~~~\n````\n# yes\n"
    assert read(text) == [("fence", "````md\n# no\n```\n~~~~\n````"), ("heading", "# yes")]


def test_an_unclosed_fence_runs_to_the_end() -> None:
    """As CommonMark renders it."""
    assert read("a\n~~~\n# b\n\nc\n") == [("paragraph", "a"), ("fence", "~~~\n# b\n\nc")]


def test_backticks_within_a_line_open_no_fence() -> None:
    """The info string of a backtick fence has no backtick."""
    assert read("```code``` here\n# yes") == [("paragraph", "```code``` here"), ("heading", "# yes")]


def test_a_table_is_a_header_with_its_ruler_and_the_rows_below() -> None:
    """It may follow a paragraph directly, and ends at a blank line."""
    assert read("text\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\n| no |\n") == [
        ("paragraph", "text"),
        ("table", "| a | b |\n|:--|--:|\n| 1 | 2 |"),
        ("paragraph", "| no |"),
    ]


@pytest.mark.parametrize(("row", "kind"), [("# b", "heading"), ("```", "fence")])
def test_a_table_ends_where_a_heading_or_fence_begins(row: str, kind: str) -> None:
    """Although no blank line is between them."""
    assert read(f"| a |\n|---|\n{row}") == [("table", "| a |\n|---|"), (kind, row)]


def test_a_list_holds_its_items_and_what_is_indented_below_them() -> None:
    """Blank lines between items belong to it; a heading ends it."""
    text = "Intro:\n- one\n\n  more\n- two\n  1. sub\n\nafter\n"
    assert read(text) == [("paragraph", "Intro:"), ("list", "- one\n\n  more\n- two\n  1. sub"), ("paragraph", "after")]
    found = blocks(text)[1]
    assert [text[a:b] for a, b in items(text, found)] == ["- one\n\n  more", "- two", "1. sub"]


def test_rules_are_neither_headings_nor_items() -> None:
    """`---` after a blank line and `* * *` anywhere are thematic breaks."""
    assert read("a\n\n---\n* * *\nb") == [("paragraph", "a"), ("paragraph", "---"), ("paragraph", "* * *"), ("paragraph", "b")]


def test_no_setext_heading_from_a_quote_or_indented_code() -> None:
    """There the underline is a rule."""
    assert [k for k, _ in read("> quote\n---\n\n    code\n---\n")] == ["paragraph"] * 4


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_ending(end: str) -> None:
    """Windows and old Mac texts are read alike."""
    assert [b.kind for b in blocks(end.join(["# a", "b", "", "- c", "", "```", "d", "```", "| e |", "|---|"]))] == [
        "heading",
        "paragraph",
        "list",
        "fence",
        "table",
    ]


def test_blocks_start_where_they_are_told() -> None:
    """What lies before is not read."""
    assert [(b.kind, b.start) for b in blocks("---\nk: v\n---\n# a", 13)] == [("heading", 13)]
