"""The writer: the widest gap asked for counts, and only between texts."""

import pytest

from rag.loaders.html_text import Writer


@pytest.mark.parametrize(
    ("gaps", "between"),
    [([], ""), ([" "], " "), ([" ", "\n"], "\n"), (["\n", " "], "\n"), (["\n\n", "\n"], "\n\n"), (["\n", "\n"], "\n"), ([" ", "\n\n", " "], "\n\n")],
)
def test_the_widest_gap_counts(gaps: list[str], between: str) -> None:
    """Gaps at the start and the end leave nothing; between two texts the widest is written once."""
    writer = Writer()
    writer.gap("\n\n")
    writer.write("a")
    for gap in gaps:
        writer.gap(gap)
    writer.write("b")
    writer.gap("\n\n")
    assert writer.text == f"a{between}b"


def test_a_heading_is_one_line_with_one_mark() -> None:
    """Gaps inside a heading are spaces, even in verbatim text; a heading without text leaves no mark."""
    writer = Writer()
    writer.heading(2)
    writer.write(" a ")
    writer.gap("\n\n")
    writer.verbatim = 1
    writer.write("b\nc")
    writer.verbatim = 0
    writer.end_heading()
    writer.heading(3)
    writer.end_heading()
    writer.write("d")
    assert writer.text == "## a b c\n\nd"
