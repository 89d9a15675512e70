"""What a benchmark keeps comes back as it was, reads as a table, and its growth is fitted as the formula says."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.bench.measured import Curve, Result, Table, cell, exponent, fitted, read, spread, text, write


def result() -> Result:
    table = Table("Search", ("what", "ms", "ratio"), (("ours", 1.234567, 1), ("peer | one", 95.0, None)), "Top 50.")
    curve = Curve("Latency", "chunks, number", "ms", {"exact": [(1e3, 1.0), (1e5, 100.0)], "one": [(1.0, 1.0)]})
    return Result("Searching", "python -m x", (table,), (curve,), ("a note",), {"processor": "p"})


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    """Tables, curves, notes and the machine."""
    write(tmp_path / "deep" / "r.json", result())
    assert read(tmp_path / "deep" / "r.json") == result()


def test_a_result_reads_as_markdown() -> None:
    """The command, a table whose bars are escaped, growth only where two sizes were measured, notes."""
    found = text(result())
    assert "`python -m x`" in found
    assert "| ours | 1.23 | 1 |" in found
    assert "| peer \\| one | 95 | - |" in found
    assert "- Latency, exact: grows with the power 1.00 of the chunks" in found
    assert "one: grows" not in found
    assert found.endswith("- a note\n")


@pytest.mark.parametrize(("value", "shown"), [(None, "-"), (12345.6, "12,346"), (0.012345, "0.0123"), (7, "7"), ("a", "a"), (99.96, "100")])
def test_cells_have_three_digits_that_count(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_an_exponent_is_the_slope_of_the_logarithms() -> None:
    """3 x^2 has exponent 2 and factor 3."""
    points = [(x, 3 * x**2) for x in (1.0, 10.0, 50.0)]
    assert exponent(points) == pytest.approx(2)
    assert fitted(points) == pytest.approx(3)


def test_spread_is_median_and_ends() -> None:
    assert spread([3.0, 1.0, 2.0], 1) == "2.0 (1.0 to 3.0)"


def test_a_row_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="1 cells under 2"):
        Table("t", ("a", "b"), (("x",),))
