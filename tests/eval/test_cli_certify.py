"""The commands `certify`, `label` and `correct` from end to end, with the default judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import eval.cli_certify  # noqa: F401  # registers the commands
from eval.app import app
from eval.certificate import read
from rag.errors import ConfigError

from .test_corrected_run import finished, jsonl

__all__ = ["finished"]  # a fixture


def done(*arguments: object) -> str:
    """Return what a command writes to standard output; raises what it raises."""
    found = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture
def labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    text = "The oak grows in wet valleys."
    answers = [(text, True), ("Sailors prefer quiet harbours.", False)] * 3
    return jsonl(tmp_path / "trees.jsonl", [{"id": i, "question": "", "contexts": [text], "answer": a, "supported": y} for i, (a, y) in enumerate(answers)])


def test_certify_writes_what_it_prints(labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "c.json"
    body = json.loads(done("certify", "--judge", "embedded", "--labels", labels, "-o", out, "--json"))
    assert read(out) == body
    assert {"judge", "labels", "n", "metrics"} <= body.keys()
    assert (body["judge"], body["n"]) == ("embedded", 6)
    assert body["metrics"]["auroc"]["value"] == 1.0
    assert "trees 6" in done("certify", "--labels", labels, "-o", out)


def test_label_keeps_labels_that_are_there_and_correct_reads_them(finished: Path) -> None:
    out, file = finished / "out", finished / "to_label.jsonl"
    body = json.loads(done("label", out, "plain", "--corpus", finished / "docs", "--metric", "context_recall", "-n", 20, "-o", file, "--json"))
    assert (body["rows"], body["claims"], body["questions"]) == (20, 28, 14)
    with pytest.raises(ConfigError, match="may hold labels"):
        done("label", out, "plain", "--corpus", finished / "docs", "-o", file)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    jsonl(file, [{**r, "supported": r["answer"] == "valleys"} for r in rows])
    found = json.loads(done("correct", out, "--labels", file, "--json"))
    assert found["configs"]["plain"]["context_recall"]["corrected"]["value"] == pytest.approx(0.5, abs=0.2)
    assert "labels: 20 used" in done("correct", out, "--labels", file)
