"""From a run to rates without the judge's error: by the certificate, by labels, and what is said where neither can be had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval import run
from eval.certificate import find
from eval.certificate_text import corrections
from eval.certify import certify
from eval.corrected_run import correct
from eval.labelling_run import draw
from rag import Runtime
from rag.config import parse
from rag.errors import ConfigError, QuestionError, StoreError
from rag.memo import Memo

from .scripted import Scripted

NAMES = ["alder", "birch", "cedar", "elm", "fir", "hazel", "juniper", "larch", "maple", "oak", "pine", "rowan", "spruce", "willow"]


def jsonl(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of one configuration on 14 documents with a question each: every word of an answer is a claim, found in the source shown."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "docs").mkdir()
    for name in NAMES:
        (tmp_path / "docs" / f"{name}.md").write_text(f"The {name} grows in wet valleys", encoding="utf-8")
    questions = [
        {"id": n, "text": f"Where does the {n} grow?", "evidence": [{"doc": f"{n}.md", "quote": "wet valleys"}], "answers": ["dry valleys"]} for n in NAMES
    ]
    pipeline = parse(
        {"chunk": "whole", "retrieve": {"use": "bm25", "limit": 1}, "models": {"encoder": "hashing-64"}, "answer": {"use": "extractive", "blend": 0}}
    )
    asked = jsonl(tmp_path / "questions.jsonl", questions)
    runtime = Runtime(Memo(), show_progress=False)
    run({"plain": pipeline}, tmp_path / "docs", asked, tmp_path / "out", metrics=["context_recall", "recall@1"], judge=Scripted(), runtime=runtime)
    return tmp_path


def certificate(folder: Path, judge: Scripted, right: int = 40) -> Path:
    """Certify with 40 rows of each label, of which `right` are judged rightly."""
    rows = [
        {"id": f"{y}{i}", "question": f"{y}{i}", "contexts": ["yes"], "answer": "yes" if y == (i < right) else "no", "supported": y}
        for y in (True, False)
        for i in range(40)
    ]
    body = certify(judge, [jsonl(folder / "labels.jsonl", rows)], probes=0, runtime=Runtime(Memo(), show_progress=False))
    path = folder / "certificate.json"
    path.write_text(json.dumps(body), encoding="utf-8")
    return path


def test_the_certificate_corrects_the_rate(finished: Path) -> None:
    """Half of the reference's words are found: `valleys`, not `dry`. With .9 and .9, (.5 + .9 - 1) / .8 = .5."""
    found = correct(finished / "out", certificate=certificate(finished, Scripted(), right=36))
    entry = found["configs"]["plain"]["context_recall"]
    assert entry["raw"] == {"mean": 0.5, "low": 0.5, "high": 0.5, "scored": 14}
    assert entry["corrected"]["value"] == pytest.approx(0.5)
    assert entry["corrected"]["low"] < 0.4
    assert list(found["configs"]["plain"]) == ["context_recall"]
    assert found["certificate"]["status"] == "certified"
    assert "by Rogan-Gladen" in corrections(found)


def test_a_stale_certificate_or_none_corrects_nothing(finished: Path) -> None:
    none = correct(finished / "out")
    stale = correct(finished / "out", certificate=certificate(finished, Scripted(setting=2)))
    assert (none["certificate"]["status"], stale["certificate"]["status"]) == ("none", "stale")
    for found in (none, stale):
        assert "not certified" in found["configs"]["plain"]["context_recall"]["corrected"]["why"]
        assert "run rag-eval certify" in corrections(found)


def test_without_a_file_the_certificate_is_the_one_of_the_run(finished: Path) -> None:
    """A run made with a certificate is corrected by it: its own table says so, and this must not say the opposite."""
    path = certificate(finished, Scripted(), right=36)
    summary = json.loads((finished / "out" / "summary.json").read_text(encoding="utf-8"))
    summary["judged"]["certificate"] = find(Scripted().open((), Runtime(Memo(), show_progress=False)), path).as_dict()
    (finished / "out" / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    assert correct(finished / "out") == correct(finished / "out", certificate=path)


def test_labels_of_the_run_win_over_the_certificate(finished: Path) -> None:
    """People find every claim supported, so the rate is 1 whatever the judge said."""
    rows, there = draw(finished / "out", "plain", finished / "docs", 100, "context_recall", 0)
    assert (len(rows), there) == (28, 28)
    assert rows[0]["contexts"] == [f"The {rows[0]['question_id']} grows in wet valleys"]
    filled = jsonl(finished / "filled.jsonl", [{**r, "supported": True} for r in rows[:20]] + [rows[20]])
    found = correct(finished / "out", filled, certificate(finished, Scripted()))
    entry = found["configs"]["plain"]["context_recall"]["corrected"]
    assert (entry["method"], entry["labelled"]) == ("prediction_powered", 14)
    assert entry["value"] == pytest.approx(1.0)
    assert found["labels"] == {"labelled": 20, "used": 20, "not_in_the_run": 0, "left_open": 1}
    assert "prediction-powered inference" in corrections(found)


def test_labels_of_another_run_are_refused_and_some_are_counted(finished: Path) -> None:
    rows, _ = draw(finished / "out", "plain", finished / "docs", 28, "context_recall", 0)
    other = [{**r, "supported": False, "answer": "unsaid"} for r in rows[:3]]
    with pytest.raises(QuestionError, match="none of 3 labelled claims"):
        correct(finished / "out", jsonl(finished / "other.jsonl", other))
    both = jsonl(finished / "both.jsonl", [*other, *({**r, "supported": True} for r in rows)])
    assert correct(finished / "out", both)["labels"]["not_in_the_run"] == 3


def test_what_cannot_be_drawn_is_said(finished: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration 'plane', did you mean 'plain'"):
        draw(finished / "out", "plane", finished / "docs", 5, "context_recall", 0)
    with pytest.raises(ConfigError, match="cannot be drawn"):
        draw(finished / "out", "plain", finished / "docs", 5, "recall@1", 0)
    with pytest.raises(ConfigError, match="was not measured by faithfulness"):
        draw(finished / "out", "plain", finished / "docs", 5, "faithfulness", 0)
    (finished / "docs" / "oak.md").write_text("Another text", encoding="utf-8")
    with pytest.raises(StoreError, match="not the corpus"):
        draw(finished / "out", "plain", finished / "docs", 5, "context_recall", 0)


def test_a_folder_without_a_run_or_such_a_metric_is_refused(finished: Path) -> None:
    with pytest.raises(StoreError, match="no finished run"):
        correct(finished / "docs")
    summary = json.loads((finished / "out" / "summary.json").read_text())
    (finished / "out" / "summary.json").write_text(json.dumps({**summary, "metrics": ["recall@1"]}))
    with pytest.raises(ConfigError, match="no metric of the run is a share"):
        correct(finished / "out")
    (finished / "out" / "summary.json").write_text("{}")
    with pytest.raises(StoreError, match="earlier version"):
        correct(finished / "out")
