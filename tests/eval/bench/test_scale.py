"""A whole small run: what is printed was measured, and every size is on every curve."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from eval.bench.measured import exponent, read
from eval.bench.scale import QUERIES, app, documents, questions, report
from eval.bench.scale_search import FILTERED


@pytest.fixture
def vectors(tmp_path):
    rows = np.random.default_rng(0).standard_normal((QUERIES + 500, 384)).astype(np.float32)
    np.save(tmp_path / "v.npy", rows / np.linalg.norm(rows, axis=1, keepdims=True))
    return tmp_path / "v.npy"


def test_the_corpus_and_the_questions_are_the_same_each_time_and_one_document_changes():
    first, again, changed = (list(documents(300, c)) for c in (False, False, True))
    assert first == again
    assert sum(d.document.meta["part"] == "p3" for d in first) == 3
    assert [i for i, (a, b) in enumerate(zip(first, changed, strict=True)) if a != b] == [17]
    assert len(set(questions())) == QUERIES


def test_a_run_prints_and_keeps_what_it_measured(tmp_path, vectors):
    out = tmp_path / "scale.json"
    done = CliRunner().invoke(app, ["400", "--vectors", str(vectors), "--out", str(out), "--folder", str(tmp_path / "kept")])
    assert done.exit_code == 0, done.output
    result = read(out)
    searching = dict(zip(result.tables[0].columns, result.tables[0].rows[0], strict=True))
    assert 350 <= searching["chunks"] <= 450
    assert searching["quantized"] == "none"
    assert searching["recall@10 of the graph"] == 1.0  # there is none: every vector is compared
    assert searching["anonymous MB"] > 5
    assert "hybrid p50 / p95 ms" in done.output
    disk = dict(zip(result.tables[1].columns, result.tables[1].rows[0], strict=True))["disk MB"]
    assert sum(result.tables[2].rows[0][1:]) == pytest.approx(1e6 * disk / searching["chunks"], rel=0.1)
    assert json.loads(out.read_text())["machine"]["cores"] >= 1


def test_curves_have_a_point_for_every_size_and_the_power_they_grow_with():
    def size(n, ms):
        legs = {leg: [ms, 2 * ms, 3 * ms] for leg in ("bm25", "dense", "hybrid", FILTERED, "dense, exact")}
        return {"chunks": n, "segments": 1, "quantization": "scalar", "ms": legs, "recall": 0.99, "open_s": 0.1, "anonymous_served": 50.0, "build_s": 3.0 * n,
                "stages": {"embed": 1.0 * n}, "anonymous_reads": 1.0, "anonymous_writes": 2.0, "disk": n / 100, "parts": {"vectors": 1536.0}}  # fmt: skip

    result = report([size(100, 1.0), size(10_000, 10.0)], "command", True)
    assert result.curves[0].exponents["hybrid"] == pytest.approx(0.5)
    assert exponent(result.curves[1].series["embedding aside"]) == pytest.approx(1.0)
    assert result.curves[1].series["embedding aside"] == [(100, 200.0), (10_000, 20_000.0)]
    assert result.tables[0].rows[1][5] == "10.0 / 20.0"
