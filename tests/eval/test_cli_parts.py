"""What there is to choose from is listed from the registries, and every command answers in JSON alone."""

from __future__ import annotations

import json
import subprocess
import sys

from typer.testing import CliRunner

import eval.cli  # noqa: F401  # registers every command
from eval.app import app
from eval.metrics import DEFAULT_METRICS, metrics
from rag.registry import parts


def listed(command: str) -> list[dict]:
    found = CliRunner().invoke(app, [command, "--json"], catch_exceptions=False)
    assert found.exit_code == 0
    return json.loads(found.stdout)[command]


def test_every_judge_is_listed_with_its_fields() -> None:
    rows = {r["use"]: r for r in listed("judges")}
    assert set(rows) == set(parts("judge")) == {"chat", "embedded", "ensemble", "nli", "ragas"}
    assert all(r["summary"].endswith((".", ":")) for r in rows.values())
    assert {f["name"] for f in rows["nli"]["fields"]} >= {"model", "labels", "threshold", "window"}


def test_every_metric_is_listed_and_the_defaults_are_marked() -> None:
    rows = {r["name"].partition("@")[0]: r for r in listed("metrics")}
    assert set(rows) == set(metrics())
    assert {name for name, r in rows.items() if r["default"]} == {name.partition("@")[0] for name in DEFAULT_METRICS}
    assert (rows["context_tokens"]["higher_is_better"], rows["faithfulness"]["judge"]) == (False, True)


def test_both_lists_are_readable_text() -> None:
    for command, words in (("judges", "judge: embedded"), ("metrics", "faithfulness (by default, asks the judge)")):
        assert words in CliRunner().invoke(app, [command], catch_exceptions=False).stdout


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, eval.cli; print(sorted({'torch', 'transformers', 'scipy', 'numpy', 'ragas', 'pandas', 'matplotlib', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
