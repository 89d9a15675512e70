"""`rag-eval compare` from end to end: the table, the marks, the JSON, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import eval.cli  # noqa: F401  # registers the commands: a single one would lose its name
from eval.app import app
from eval.questions import Question
from eval.records import question_row, score_rows, write_jsonl
from eval.score import Score
from rag.errors import ConfigError, StoreError
from rag.index.manifest import write_json
from rag.types import Span

N = 40
LOCK = {"corpus": "c", "questions": "q", "judge": {"use": "embedded"}, "metrics": {"recall@5": {"version": 1}, "context_tokens": {"version": 1}}}


def write(folder: Path, name: str, recall: list[float | str], tokens: float, **lock: object) -> None:
    """Write one configuration; a recall that is a text is the reason for none."""
    rows = [Score(f"q{i}", "recall@5", None, v) if isinstance(v, str) else Score(f"q{i}", "recall@5", v) for i, v in enumerate(recall)]
    rows += [Score(f"q{i}", "context_tokens", tokens + i) for i in range(N)]
    (folder / name).mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / name / "scores.jsonl", score_rows(rows))
    write_json(folder / name / "lock.json", {**LOCK, **lock})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run: `good` finds 20 more of 40 than `bad` does, `same` is `good`; every fifth question is of the tag `rare`."""
    asked = [Question(f"q{i}", f"question {i}", (Span(f"d{i % 25}.md", 0, 9),), tags=("rare",) if i % 5 == 0 else ("often", "all")) for i in range(N)]
    write_jsonl(tmp_path / "questions.jsonl", [question_row(q) for q in asked])
    write_json(tmp_path / "summary.json", {"questions": {"digest": "q", "n": N}})
    write(tmp_path, "good", [1.0] * N, 100.0)
    write(tmp_path, "same", [1.0] * N, 100.0)
    write(tmp_path, "bad", [float(i % 2) for i in range(N)], 90.0)
    return tmp_path


def out(folder: Path, *arguments: str) -> str:
    found = CliRunner().invoke(app, ["compare", str(folder), *arguments], catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


def lines(text: str) -> dict[str, str]:
    """Return the lines of a table by their first word."""
    return {line.split()[0]: line for line in text.splitlines() if line.strip()}


def test_the_table_says_who_is_better_on_which_metric_and_over_what_p_is_adjusted(folder: Path) -> None:
    """Recall: 20 wins, none lost, difference one half; tokens: 10 more everywhere, so the other is better."""
    text = out(folder, "good", "bad")
    assert "p adjusted for 2 tests (Holm): 2 metrics" in text
    found = lines(text)
    assert found["recall@5"].split()[1] == "+0.500"
    assert "20/0/20" in found["recall@5"]
    assert found["recall@5"].endswith("good better")
    assert "0/40/0" in found["context_tokens"]
    assert found["context_tokens"].endswith("bad better")


def test_equal_runs_are_called_equal_and_not_merely_not_shown(folder: Path) -> None:
    found = lines(out(folder, "good", "same"))
    assert "+0.000 [+0.000, +0.000]" in " ".join(found["recall@5"].split())
    assert found["recall@5"].endswith("equal on every question")


def test_slices_have_sizes_marks_and_one_family_with_the_whole(folder: Path) -> None:
    """8 questions of the tag `rare` in 5 documents: few; 1 metric x (all and 3 tags) are 4 tests."""
    text = out(folder, "good", "bad", "--metric", "recall@5", "--by-tag")
    assert "p adjusted for 4 tests (Holm): 1 metric x (all questions and 3 tags)" in text
    part = text[text.index("tag rare") :].splitlines()[1]
    assert "8 (5)" in part
    assert "few documents; few differences" in part
    assert "few documents: below 20" in text
    body = json.loads(out(folder, "good", "bad", "--metric", "recall@5", "--by-tag", "--json"))
    assert list(body["slices"]) == ["all", "often", "rare"]
    assert body["slices"]["rare"]["recall@5"]["wins"] == 4
    assert body["metrics"]["recall@5"]["p_adjusted"] == pytest.approx(4 * body["metrics"]["recall@5"]["p"])


def test_what_was_lost_is_told_per_side_with_the_reason_and_marked_below_95_of_100(folder: Path) -> None:
    """3 of 40 without a value are 92.5 %; one that the metric does not apply to is out of the count: 36 of 39."""
    write(folder, "holes", ["timed_out"] * 3 + ["not_applicable: no evidence"] + [1.0] * 36, 100.0)
    found = lines(out(folder, "holes", "good"))["recall@5"]
    assert "few values  (holes lacks 1 not_applicable, 3 timed_out (coverage 92.3%))" in found
    assert "few values" not in lines(out(folder, "good", "bad"))["recall@5"]


def test_another_version_of_a_metric_is_refused(folder: Path) -> None:
    write(folder, "old", [1.0] * N, 100.0, metrics={**LOCK["metrics"], "recall@5": {"version": 0}})
    with pytest.raises(StoreError, match=r"different versions of recall@5; run them together"):
        CliRunner().invoke(app, ["compare", str(folder), "good", "old"], catch_exceptions=False)


def test_a_metric_that_the_run_has_not_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"no metric 'recall@50', did you mean 'recall@5'"):
        CliRunner().invoke(app, ["compare", str(folder), "good", "bad", "--metric", "recall@50"], catch_exceptions=False)
