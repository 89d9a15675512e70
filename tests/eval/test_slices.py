"""Parts of the labelled rows, with their sizes."""

from __future__ import annotations

from eval.agreement import Verdicts
from eval.slices import slices


def rows(n: int) -> Verdicts:
    return Verdicts(tuple(i % 2 == 0 for i in range(n)), tuple(i % 2 == 0 for i in range(n)), tuple(float(i % 2 == 0) for i in range(n)), tuple(range(n)))


def test_a_part_that_is_everything_is_no_part() -> None:
    found = slices(rows(6), ["one"] * 6, [("all",)] * 6, [5] * 6)
    assert found == []


def test_lengths_are_cut_into_thirds_with_equal_lengths_together() -> None:
    found = slices(rows(9), ["one"] * 9, [()] * 9, [1, 1, 1, 1, 2, 2, 7, 8, 9])
    assert [(s["name"], s["n"]) for s in found] == [("short (to 1 words)", 4), ("medium (2 to 7 words)", 3), ("long (from 8 words)", 2)]


def test_a_part_is_small_below_30_rows_of_a_label_or_20_sources() -> None:
    files = ["large"] * 60 + ["small"] * 58
    assert {s["name"]: s["small"] for s in slices(rows(118), files, [()] * 118, [3] * 118)} == {"large": False, "small": True}
    own = rows(120)
    few = Verdicts(own.labels, own.verdicts, own.scores, tuple(i % 19 if i < 60 else i for i in range(120)))
    assert {s["name"]: s["small"] for s in slices(few, ["a"] * 60 + ["b"] * 60, [()] * 120, [3] * 120)} == {"a": True, "b": False}
