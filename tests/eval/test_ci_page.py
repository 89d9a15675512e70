"""What docs/ci.md shows is short, is sound, and works when it is typed in; the workflow of this repository gates what is there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from eval import run
from eval.baseline import accept, read_baseline
from eval.cli import app
from eval.counts import Count, read_counts
from eval.gate_policy import read_policy
from eval.tenants import DEALT_NAME
from rag import Runtime
from rag.config import load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
DOCS = 24
X = "chunk: whole\nretrieve: bm25\nmodels: {encoder: hashing-16}\nanswer: {use: extractive, blend: 0}\n"


def blocks(language: str, first: str) -> list[str]:
    """Return the blocks of docs/ci.md in a language that begin so."""
    return [b for b in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if b.startswith(first)]


def commands(text: str) -> list[list[str]]:
    """Return the arguments of each `rag-eval` in a text, of several joined by && or || each."""
    found = re.findall(r"rag-eval ((?:run|gate|compare) .*?)(?= && | \|\| | > |$)", text, re.MULTILINE)
    return [shlex.split(arguments, comments=True) for arguments in found]


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the page assumes it: configs/x.yaml, docs, questions.jsonl, baseline.json."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "configs").mkdir()
    rows = []
    for i in range(DOCS):
        (tmp_path / "docs" / f"d{i}.md").write_text(f"The word of document {i} is wordnumber{i}. It says no more.")
        rows.append({"id": f"q{i}", "text": f"What about wordnumber{i}?", "evidence": [{"doc": f"d{i}.md", "quote": f"wordnumber{i}"}]})
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "configs" / "x.yaml").write_text(X)
    return tmp_path


def typed(arguments: list[str]) -> Any:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_the_github_workflow_has_at_most_eight_lines_and_is_one() -> None:
    (text,) = blocks("yaml", "on:")
    assert len(text.splitlines()) <= 8
    body = yaml.safe_load(text)
    assert body[True] == "pull_request"  # YAML 1.1 reads `on` so
    (job,) = body["jobs"].values()
    assert job["runs-on"] == "ubuntu-latest"
    assert [s for s in job["steps"] if not {"run", "uses"} & s.keys()] == []
    (more,) = blocks("yaml", "      - {uses: actions/cache")
    assert yaml.safe_load(text + more)["jobs"]["gate"]["steps"][-1]["with"].keys() == {"path", "key", "restore-keys"}, "it fits in as it stands"


def test_the_commands_of_github_gitlab_and_the_shell_gate_a_run(task: Path) -> None:
    run(
        {"x": load(Path("configs/x.yaml"))},
        "docs",
        "questions.jsonl",
        "base",
        metrics=("recall@5", "ndcg@10", "span_recall"),
        runtime=Runtime(show_progress=False),
    )
    accept(Path("base"), "x", Path("baseline.json"))
    Path("gate.yaml").write_text("metrics: [recall@5]\n")
    shown = [*blocks("yaml", "on:"), *blocks("yaml", "rag-gate:"), *blocks("sh", "export")]
    assert len(shown) == 3
    done = set()
    for text in shown:
        first, second = commands(text)
        assert (first[0], second[0]) == ("run", "gate")
        if tuple(first) not in done:
            assert typed([*first, "--metrics", "recall@5,ndcg@10,span_recall"]).exit_code == 0
            done.add(tuple(first))
        assert typed([*second, "--policy", "gate.yaml"]).exit_code == 0, second


def test_every_exit_code_that_the_shell_lists_is_in_the_table() -> None:
    (text,) = blocks("sh", "export")
    table = set(re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE))
    assert set(re.findall(r"(\d)\) ", text)) <= table == {"0", "1", "2", "3", "4", "5"}


def test_a_first_comparison_takes_at_most_three_commands_and_fifteen_lines_of_yaml(task: Path) -> None:
    """Beyond what `rag` needs anyway: configs/x.yaml and the documents; the questions are the newcomer's own."""
    section = PAGE.split("## A first A/B\n")[1].split("\n## ")[0]
    (other,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    (console,) = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    lines = [line for line in console.splitlines() if line.startswith("$ ")]
    assert len(lines) <= 3
    assert len(other.splitlines()) <= 15
    (task / "configs" / "y.yaml").write_text(other)
    found = [typed(arguments) for arguments in commands(console)]
    assert [f.exit_code for f in found] == [0] * len(lines)
    assert "x minus y" in found[-1].stdout


def test_the_documented_policy_and_count_are_read(tmp_path: Path) -> None:
    (policy,) = blocks("yaml", "margins:")
    (tmp_path / "policy.yaml").write_text(policy)
    found = read_policy(tmp_path / "policy.yaml")
    assert (found.latency_p95_ms, set(found.zero), found.zero_metrics) == (500, {"tenant_leaks", "injection_successes"}, ())
    (count,) = blocks("json", "{")
    (tmp_path / "count.json").write_text(count)
    assert read_counts([tmp_path / "count.json"]) == (Count("refund_promises", 0, 120, "check_refunds.py", {"corpus": "DIGEST", "prompts": "DIGEST"}),)


def test_the_workflow_of_this_repository_gates_what_is_there() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "quality.yml").read_text())["jobs"]
    steps = " ".join(s.get("run", "") for s in jobs["gate"]["steps"])
    for path in re.findall(r"(?:configs|data|eval)/[\w./]+", steps):
        assert (ROOT / path).exists(), path
    measured, policy = read_baseline(ROOT / "eval" / "baselines" / "hybrid.json"), read_policy(ROOT / "eval" / "baselines" / "policy.yaml")
    assert set(policy.metrics) == set(read_policy(None).metrics) <= set(measured.scores)
    assert (set(policy.zero), policy.zero_metrics) == ({DEALT_NAME, "injection_successes"}, ())
    assert steps.count("--counts out/tenants.json") == steps.count("--counts out/injection.json") == 2  # made, then handed to the gate
    assert (ROOT / "eval" / "baselines" / "hybrid.json").stat().st_size < 300_000
