"""The latency benchmark: every row it promises, from an index it builds itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from eval.bench import latency
from eval.bench.measured import read


def test_every_leg_stage_and_number_of_callers_has_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "SECONDS", 0.05)
    app, out = typer.Typer(), tmp_path / "latency.json"
    app.command()(latency.main)
    done = CliRunner().invoke(app, ["--chunks", "60", "--asked", "20", "--callers", "1,2", "--graph", "--out", str(out)])
    assert done.exit_code == 0, done.output
    found = read(out)
    timed, served = found.tables
    legs = ["bm25", "dense, exact", "dense, graph", "fused, exact", "fused, graph", "fused, chunks kept", "fused, a tenth of the documents"]
    steps = ["retrieve: weighted", "retrieve: bm25", "retrieve: dense", "pack: budget", "answer: extractive"]
    assert [r[0] for r in timed.rows] == [*legs, *steps]
    assert [r[0] for r in served.rows] == [f"{c}, chunks kept" for c in ("1 threads", "2 threads", "1 processes", "2 processes")]
    assert all(0 < p50 <= p95 for _, p50, p95, _, _ in timed.rows)
    assert [r[0] for r in timed.rows if r[4] is not None] == ["dense, exact"]
    assert found.machine["cores"] >= 1
