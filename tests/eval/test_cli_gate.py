"""`accept` and `gate` from end to end: files, exit codes, and errors in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

import eval.cli_gate  # noqa: F401  # registers the commands
from eval import run
from eval.app import app
from eval.baseline import read_baseline
from rag import Runtime
from rag.config import parse
from rag.errors import ConfigError, StoreError

DOCS = 24


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two configurations on 24 documents, one of which finds nothing."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "docs").mkdir()
    rows = []
    for i in range(DOCS):
        (folder / "docs" / f"d{i}.md").write_text(f"The word of document {i} is wordnumber{i}. It says no more.")
        rows.append({"id": f"q{i}", "text": f"What about wordnumber{i}?", "evidence": [{"doc": f"d{i}.md", "quote": f"wordnumber{i}"}]})
    (folder / "q.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAG_CACHE_DIR", str(folder / "cache"))
        evaluate(folder)
    return folder


@pytest.fixture
def task(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run to change, with a cache of its own."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    shutil.copytree(made, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def evaluate(task: Path, out: str = "run", metrics: tuple[str, ...] = ("recall@1", "context_tokens"), limit: int | None = None) -> None:
    plain = {"chunk": "whole", "models": {"encoder": "hashing-16"}, "answer": {"use": "extractive", "blend": 0}}
    both = {"good": parse({**plain, "retrieve": "bm25"}), "bad": parse({**plain, "retrieve": {"use": "filtered", "over": "bm25", "where": "lang = de"}})}
    run(both, task / "docs", task / "q.jsonl", task / out, metrics=metrics, limit=limit, runtime=Runtime(show_progress=False))


def gate(*arguments: str):
    (Path("gate.yaml")).write_text("metrics: [recall@1]\n")
    return CliRunner().invoke(app, ["gate", *arguments, "--baseline", "base.json", "--policy", "gate.yaml"], catch_exceptions=False)


def accepted(name: str = "good") -> None:
    found = CliRunner().invoke(app, ["accept", "run", name, "--baseline", "base.json"], catch_exceptions=False)
    assert found.exit_code == 0


def test_a_run_passes_its_own_baseline_and_equal_runs_write_equal_baselines(task: Path) -> None:
    accepted()
    first = Path("base.json").read_bytes()
    accepted()
    assert Path("base.json").read_bytes() == first
    found = gate("run", "good", "--json")
    body = json.loads(found.stdout)
    assert (found.exit_code, body["verdict"]) == (0, "pass")
    assert set(body["checks"][0]) >= {"metric", "baseline", "current", "delta", "low", "high", "margin", "verdict", "needs_questions"}
    assert len(read_baseline(Path("base.json")).clusters) == DOCS


def test_a_worse_run_fails_with_1_and_says_so_in_every_form(task: Path) -> None:
    accepted()
    found = gate("run", "bad", "--junit", "gate.xml", "--summary", "gate.md")
    assert found.exit_code == 1
    assert "REGRESSED" in found.stdout
    assert "differs from the baseline in: config" in found.stdout
    assert ElementTree.parse("gate.xml").getroot().get("failures") == "1"
    assert "| recall@1 | REGRESSED |" in Path("gate.md").read_text()


def test_the_summary_goes_where_github_reads_it(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(task / "step.md"))
    (task / "step.md").write_text("before\n")
    gate("run", "good")
    assert (task / "step.md").read_text().startswith("before\n### rag-eval gate: pass")


def test_other_questions_are_not_comparable(task: Path) -> None:
    accepted()
    evaluate(task, "few", limit=5)
    found = gate("few", "good", "--json")
    assert (found.exit_code, json.loads(found.stdout)["verdict"]) == (4, "not_comparable")


def test_few_documents_are_inconclusive_and_the_policy_decides(task: Path) -> None:
    evaluate(task, "run", limit=5)
    accepted()
    assert gate("run", "good").exit_code == 3
    assert gate("run", "good", "--on-inconclusive", "warn").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "god"], "has no configuration 'god', did you mean 'good'"),
        (["nowhere", "good"], "there is no finished run"),
        (["run", "good", "--on-inconclusive", "maybe"], "--on-inconclusive 'maybe' is not allowed; choose: fail, warn, pass"),
        (["run", "good", "--junit", "no/such/place.xml"], "no/such/place.xml: cannot be written"),
    ],
)
def test_what_keeps_the_gate_from_running_is_one_line_and_exit_5(task: Path, arguments: list[str], message: str) -> None:
    accepted()
    found = gate(*arguments)
    assert found.exit_code == 5
    assert message in found.stderr
    assert found.stderr.startswith("error: ")
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"format": 2}', '{"format": 1, "name": "x", "lock": {}, "clusters": {}, "scores": {}}'])
def test_a_damaged_baseline_is_refused(task: Path, damage: str) -> None:
    Path("base.json").write_text(damage)
    found = gate("run", "good")
    assert (found.exit_code, "base.json" in found.stderr) == (5, True)


def test_accept_refuses_what_is_not_there(task: Path) -> None:
    for arguments, error in ((["run", "nothing"], ConfigError), (["nowhere", "good"], StoreError)):
        with pytest.raises(error):
            CliRunner().invoke(app, ["accept", *arguments, "--baseline", "b.json"], catch_exceptions=False)


@pytest.mark.parametrize(("wanted", "verdict", "code"), [(None, "inconclusive", 3), (59, "pass", 0), (0, "not_comparable", 4)])
def test_a_ceiling_on_the_ninety_fifth_percentile_is_decided_by_59_timed_questions(task: Path, wanted: int | None, verdict: str, code: int) -> None:
    """0.95 ** 59 < 0.05: with none of 59 slower, at most 5 % are, with 95 % confidence; the 15 of the default cannot say so, and none says nothing."""
    rows = [
        {"id": f"p{i}", "text": f"And what about wordnumber{i % DOCS}, time {i}?", "evidence": [{"doc": f"d{i % DOCS}.md", "quote": f"wordnumber{i % DOCS}"}]}
        for i in range(60)
    ]
    Path("q.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    plain = parse({"chunk": "whole", "models": {"encoder": "hashing-16"}, "answer": {"use": "extractive", "blend": 0}, "retrieve": "bm25"})
    run({"good": plain}, task / "docs", task / "q.jsonl", task / "timed", metrics=["recall@1"], latency_questions=wanted, runtime=Runtime(show_progress=False))
    assert CliRunner().invoke(app, ["accept", "timed", "good", "--baseline", "base.json"], catch_exceptions=False).exit_code == 0
    Path("slow.yaml").write_text("metrics: [recall@1]\nlatency_p95_ms: 600000\n")
    found = CliRunner().invoke(app, ["gate", "timed", "good", "--baseline", "base.json", "--policy", "slow.yaml", "--json"], catch_exceptions=False)
    check = next(c for c in json.loads(found.stdout)["checks"] if c["kind"] == "latency")
    assert (check["verdict"], found.exit_code) == (verdict, code)
