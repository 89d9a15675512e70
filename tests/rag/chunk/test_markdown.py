"""Sections, whole code and tables, heading paths."""

from __future__ import annotations

import pytest

from rag.chunk.markdown import Markdown
from rag.runtime import Runtime
from rag.types import Document


def cut(chunker: Markdown, text: str, runtime: Runtime) -> list[tuple[object, str]]:
    """Return heading path (None: none) and text of every piece."""
    return [(p.meta.get("heading"), text[p.start : p.end]) for p in chunker.chunk(Document("d", text), runtime)]


def characters(size: int, merge: bool = True, max_block: int | None = None) -> Markdown:
    """Return a chunker that counts characters."""
    return Markdown(size=size, merge=merge, max_block=max_block, unit="characters")


def test_one_piece_per_section_with_its_path(runtime: Runtime) -> None:
    """A heading closes those of its level and below; text before the first has no path."""
    text = "pre\n# A\na\n## B\nb\n### C\nc\n## D\nd\n# E\ne\n"
    assert cut(characters(100, merge=False), text, runtime) == [
        (None, "pre"), ("A", "# A\na"), ("A > B", "## B\nb"), ("A > B > C", "### C\nc"), ("A > D", "## D\nd"), ("E", "# E\ne"),
    ]  # fmt: skip


def test_sections_below_one_heading_are_joined_while_they_fit(runtime: Runtime) -> None:
    """B and C (13 characters) are joined below A, with D they would be 24 of 23; E, which is not below A, starts anew."""
    text = "# A\naaaaaaaaaaaaaaaaaaa\n## B\nb\n## C\nc\n## D\nddddd\n# E\ne"
    assert cut(characters(23), text, runtime) == [("A", "# A\naaaaaaaaaaaaaaaaaaa"), ("A", "## B\nb\n## C\nc"), ("A > D", "## D\nddddd"), ("E", "# E\ne")]


def test_top_sections_are_never_joined(runtime: Runtime) -> None:
    """They share no heading; nor does the text before the first."""
    assert cut(characters(100), "pre\n# A\na\n# B\nb", runtime) == [(None, "pre"), ("A", "# A\na"), ("B", "# B\nb")]


def test_a_heading_without_text_stays_with_its_first_subsection(runtime: Runtime) -> None:
    """It would say nothing alone, and less at the end of the section before."""
    text = "# A\na\n## B\nb\n## C\n### D\ndddddddddddddddd"
    assert cut(characters(30), text, runtime) == [("A", "# A\na\n## B\nb"), ("A > C > D", "## C\n### D\ndddddddddddddddd")]


def test_a_large_section_is_split_between_blocks(runtime: Runtime) -> None:
    """The list is not cut although its first item would have fitted."""
    text = "# A\n\npara one\n\n- item one\n- item two\n\nlast"
    assert cut(characters(25), text, runtime) == [("A", "# A\n\npara one"), ("A", "- item one\n- item two"), ("A", "last")]


def test_a_large_list_is_split_between_items(runtime: Runtime) -> None:
    """Two items of 10 characters and the line break are 21."""
    text = "- item one\n- item two\n- item six\n"
    assert [t for _, t in cut(characters(21), text, runtime)] == ["- item one\n- item two", "- item six"]


def test_items_that_fit_are_not_split(runtime: Runtime) -> None:
    """The first paragraph of the second item would have fitted 18 as well."""
    assert [t for _, t in cut(characters(18), "- aaa\n\n  bbb\n- ccc\n\n  ddd", runtime)] == ["- aaa\n\n  bbb", "- ccc\n\n  ddd"]


def test_a_large_paragraph_is_split_into_sentences_then_words(runtime: Runtime) -> None:
    """The second sentence exceeds the limit on its own; parts are joined while they fit."""
    text = "Aa bb. Cc dd ee ff gg hh. Ii."
    assert [t for _, t in cut(characters(14), text, runtime)] == ["Aa bb.", "Cc dd ee ff gg", "hh. Ii."]


def test_a_heading_is_not_left_alone_above_a_long_paragraph(runtime: Runtime) -> None:
    """The paragraph would fit by itself, but is split so that its first sentences go with the heading."""
    text = "# Heading\n\nFirst sentence. Second sentence. Third one."
    assert [t for _, t in cut(characters(45), text, runtime)] == ["# Heading\n\nFirst sentence. Second sentence.", "Third one."]


def test_a_paragraph_is_not_shredded_to_follow_a_long_heading(runtime: Runtime) -> None:
    """Below a heading that takes more than half of the size it stays whole."""
    assert [t for _, t in cut(characters(20), "# Heading long\n\nAaa bbb ccc ddd.", runtime)] == ["# Heading long", "Aaa bbb ccc ddd."]


def test_a_fence_and_a_table_are_kept_whole_beyond_the_size(runtime: Runtime) -> None:
    """Up to four times the size."""
    fence, table = "```\naaaa\n\nbbbb\n# c\n```", "| a | b |\n|---|---|\n| 1 | 2 |"
    assert [t for _, t in cut(characters(10), f"text\n\n{fence}\n\n{table}\n", runtime)] == ["text", fence, table]


def test_beyond_max_block_a_fence_is_cut_at_line_ends(runtime: Runtime) -> None:
    """21 characters exceed 20; lines are joined up to 10."""
    assert [t for _, t in cut(characters(10, max_block=20), "```\naaaa\nbbbb\nccc\n```", runtime)] == ["```\naaaa", "bbbb\nccc", "```"]


def test_sizes_are_tokens_by_default(runtime: Runtime) -> None:
    """`# A` is 2 tokens, `one two` 2, `six` 1: all five fit 5, and not 4."""
    text = "# A\n\none two\n\nsix"
    assert [t for _, t in cut(Markdown(size=5), text, runtime)] == [text]
    assert [t for _, t in cut(Markdown(size=4), text, runtime)] == ["# A\n\none two", "six"]


def test_max_block_below_size_is_refused() -> None:
    """It would cut blocks that fit."""
    with pytest.raises(ValueError, match=r"max_block must be at least size \(10\), not 9"):
        Markdown(size=10, max_block=9)
