"""`sweep` and `plan` from the command line: files, JSON, and errors in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import eval.cli  # noqa: F401  # registers the commands
from eval.app import app
from rag.errors import ConfigError

MATRIX = """
base: {chunk: whole, retrieve: bm25, models: {encoder: hashing-16}, answer: {use: extractive, blend: 0}}
matrix:
  retrieve: {words: {use: bm25, limit: 100}, none: {use: filtered, over: bm25, where: lang = de}}
  pack.tokens: [100, 2000]
"""


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    rows = []
    for i in range(24):
        (tmp_path / "docs" / f"d{i}.md").write_text(f"The word of document {i} is wordnumber{i}. It says no more.")
        rows.append({"id": f"q{i}", "text": f"What about wordnumber{i}?", "evidence": [{"doc": f"d{i}.md", "quote": f"wordnumber{i}"}]})
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "grid.yaml").write_text(MATRIX)
    return tmp_path


def call(command: str, *arguments: str) -> Any:
    return CliRunner().invoke(app, [command, *arguments, "--corpus", "docs", "--questions", "q.jsonl"], catch_exceptions=False)


def test_a_sweep_names_the_tied_set_its_simplest_member_and_what_confirmation_showed(task: Path) -> None:
    found = call("sweep", "grid.yaml", "--out", "out", "--json")
    assert found.exit_code == 0
    body = json.loads(found.stdout)
    assert body["configs"] == ["base", "retrieve=words,pack.tokens=100", "retrieve=none,pack.tokens=100", "retrieve=none,pack.tokens=2000"]
    assert body["merged"] == {"retrieve=words,pack.tokens=2000": "base"}
    assert sorted(body["selection"]["tied"]) == ["base", "retrieve=words,pack.tokens=100"], "what finds nothing is told from what finds all"
    assert json.loads((task / "out" / "sweep.json").read_text()) == body
    text = call("sweep", "grid.yaml", "--out", "out")
    assert text.exit_code == 0
    for line in (
        "selection: 4 of 4 configurations by span_recall",
        "retrieve=words,pack.tokens=2000 is the same as base",
        "tied with the best: 2",
        "confirmation on ",
    ):
        assert line in text.stdout


def test_a_sweep_takes_every_argument_of_run() -> None:
    from inspect import signature

    from eval.cli import run_command
    from eval.cli_sweep import sweep_command

    run, sweep = signature(run_command).parameters, signature(sweep_command).parameters
    assert set(run) - set(sweep) == {"configs"}, "the matrix stands in for the configurations"
    assert {n: (p.annotation, p.default) for n, p in run.items() if n != "configs"} == {
        n: (sweep[n].annotation, sweep[n].default) for n in run if n != "configs"
    }


def test_a_plan_takes_every_argument_of_run_and_gives_it_the_same_meaning() -> None:
    """But for the folder of the run, which it can do without: nothing is written to it."""
    from inspect import signature

    from eval.cli import run_command
    from eval.cli_sweep import plan_command

    run, plan = signature(run_command).parameters, signature(plan_command).parameters
    assert set(run) == set(plan)
    assert {n for n in run if (run[n].annotation, run[n].default) != (plan[n].annotation, plan[n].default)} == {"configs", "out"}


def test_a_plan_refuses_what_the_run_would_refuse(task: Path) -> None:
    (task / "one.yaml").write_text("chunk: whole\nretrieve: bm25\nmodels: {encoder: hashing-16}\nanswer: {use: extractive, blend: 0}\n")
    (task / "said.jsonl").write_text("no JSON\n")
    before = sorted(task.rglob("*"))
    for file in ("one.yaml", "grid.yaml"):
        with pytest.raises(ConfigError, match=r"said\.jsonl:1: no JSON"):
            call("plan", file, "--record", "said.jsonl")
        with pytest.raises(ConfigError, match=r"said\.jsonl"):
            call("plan", file, "--certificate", "said.jsonl")
        assert call("plan", file, "--latency-questions", "-1").exit_code == 2
        assert call("plan", file, "--record", "new/said.jsonl").exit_code == 0
    assert sorted(task.rglob("*")) == before


def test_run_sweep_and_plan_time_as_many_questions_as_are_asked_for(task: Path) -> None:
    """The plan says so before and finds it finished after; with none timed nothing is asked twice."""
    (task / "one.yaml").write_text("chunk: whole\nretrieve: bm25\nmodels: {encoder: hashing-16}\nanswer: {use: extractive, blend: 0}\n")
    text = call("plan", "one.yaml", "--latency-questions", "20").stdout
    assert "questions timed: 20 for each configuration at most, asked anew, and one before the clock starts" in text
    assert "questions timed: none" in call("plan", "one.yaml", "--latency-questions", "0").stdout
    body = json.loads(call("run", "one.yaml", "--out", "run", "--latency-questions", "20", "--json").stdout)
    assert (body["configs"]["one"]["latency_sample"], body["configs"]["one"]["latency_questions"]) == (20, 20)
    for wanted, done in (("20", True), ("0", False)):
        assert json.loads(call("plan", "one.yaml", "--out", "run", "--latency-questions", wanted, "--json").stdout)["configs"]["one"]["finished"] is done
    call("sweep", "grid.yaml", "--out", "out", "--latency-questions", "0")
    locks = [json.loads(p.read_text()) for p in (task / "out").glob("*/*/lock.json")]
    assert len(locks) >= 5
    assert {lock["latency"]["sample"] for lock in locks} == {0}


def test_a_sweep_records_completions_and_is_made_again_from_them_alone(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "base: {chunk: whole, retrieve: bm25, models: {encoder: hashing-16, chat: CHAT}, answer: generative}\nmatrix: {pack.tokens: [100, 2000]}\n"
    (task / "asks.yaml").write_text(body.replace("CHAT", "parrot"))
    first = call("sweep", "asks.yaml", "--out", "out", "--record", "said.jsonl", "--json")
    assert json.loads(first.stdout)["work"]["completions"] > 0
    assert len((task / "said.jsonl").read_text().splitlines()) >= 24
    monkeypatch.setenv("RAG_CACHE_DIR", str(task / "other"))
    (task / "asks.yaml").write_text(body.replace("CHAT", "{use: recorded, path: said.jsonl}"))
    again = json.loads(call("sweep", "asks.yaml", "--out", "again", "--json").stdout)
    assert again["selection"]["rows"]["base"]["mean"] == json.loads(first.stdout)["selection"]["rows"]["base"]["mean"]


def test_a_plan_of_a_matrix_or_of_files_writes_nothing(task: Path) -> None:
    (task / "one.yaml").write_text("chunk: whole\nretrieve: bm25\nmodels: {encoder: hashing-16}\nanswer: {use: extractive, blend: 0}\n")
    before = sorted(task.rglob("*"))
    body = json.loads(call("plan", "grid.yaml", "--out", "out", "--json").stdout)
    assert (len(body["configs"]), body["questions"] + body["confirmation"]["questions"], len(body["indexes"])) == (4, 24, 1)
    plain = json.loads(call("plan", "one.yaml", "--json").stdout)
    assert (list(plain["configs"]), plain["questions"]) == (["one"], 24)
    assert "1 configurations on 24 questions; nothing was built, asked or written" in call("plan", "one.yaml").stdout
    assert sorted(task.rglob("*")) == before


def test_after_the_sweep_the_plan_says_that_all_is_finished(task: Path) -> None:
    call("sweep", "grid.yaml", "--out", "out")
    body = json.loads(call("plan", "grid.yaml", "--out", "out", "--json").stdout)
    assert body["total"]["seconds"] == 0
    assert body["indexes"][0]["cached"]
    assert body["speeds"]["runs"] >= 5


def test_wrong_files_and_budgets_are_refused_in_one_line(task: Path) -> None:
    (task / "bad.yaml").write_text(MATRIX.replace("[100, 2000]", "[100, 1]"))
    with pytest.raises(ConfigError, match=r"retrieve=words,pack.tokens=1: pack: tokens must be at least 16, not 1"):
        call("sweep", "bad.yaml", "--out", "out")
    with pytest.raises(ConfigError, match="a matrix is planned alone"):
        call("plan", "grid.yaml", "bad.yaml")
    with pytest.raises(ConfigError, match="--budget calls=many: write calls=N"):
        call("sweep", "grid.yaml", "--out", "out", "--budget", "calls=many")
    assert not (task / "out").exists()
