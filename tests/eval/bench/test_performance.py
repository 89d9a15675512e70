"""docs/performance.md says what the committed results say, and every curve of them is drawn."""

from __future__ import annotations

import re

from eval.bench.measured import Curve, Result, Table, read
from eval.bench.performance import DRAWN, PAGE, RESULTS, draw, page


def test_the_page_is_made_from_the_committed_results() -> None:
    """Whoever changes a result makes the page anew: `python -m eval.bench.performance`."""
    results = {p.stem: read(p) for p in sorted(RESULTS.glob("*.json"))}
    assert results
    assert PAGE.read_text(encoding="utf-8") == page(results)


def test_every_drawing_the_page_names_is_there_and_no_other() -> None:
    named = set(re.findall(r"\(performance/([^)]+)\)", PAGE.read_text(encoding="utf-8")))
    assert named == {p.name for p in DRAWN.glob("*.svg")}


def test_a_curve_is_drawn_with_its_exponent_and_the_same_bytes_each_time() -> None:
    curve = Curve("Latency", "chunks", "ms", {"exact": [(1e3, 1.0), (1e5, 100.0)]})
    assert b"power 1.00" in draw(curve)
    assert draw(curve) == draw(curve)


def test_every_machine_and_its_versions_stand_on_the_page() -> None:
    machine = {"processor": "P", "cores": 2, "memory_gib": 4, "system": "Linux", "python": "3.11", "packages": {"numpy": "2.0"}}
    one = Result("Title", "python -m one", (Table("T", ("a",), (("x",),)),), machine=machine)
    shown = page({"cold": one, "grid": one, "other": Result("Other", "c", machine={**machine, "cores": 8})})
    assert "- cold, grid: P, 2 cores, 4 GiB; Linux; Python 3.11; numpy 2.0" in shown
    assert "- other: P, 8 cores" in shown
    assert shown.index("Title") < shown.index("Other")
