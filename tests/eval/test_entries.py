"""Figures of a finished folder are computed once, and again when anything that decides them is another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import eval.entries as entries
from eval.entries import entry
from eval.runner import run_task
from eval.task import Task, prepare
from rag.config import parse
from rag.loaders.limits import Limits
from rag.memo import Memo
from rag.runtime import Runtime


@pytest.fixture
def done(tmp_path: Path) -> tuple[Task, Path]:
    """A task, and the folder of a configuration that is finished."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("A prefix cache keeps keys and values.", encoding="utf-8")
    row = {"id": "q", "text": "What does a prefix cache keep?", "evidence": [{"doc": "a.md", "quote": "keys and values"}], "answers": ["Keys."]}
    (tmp_path / "questions.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    runtime = Runtime(Memo(tmp_path / "memo"), show_progress=False)
    pipeline = parse({"chunk": "whole", "retrieve": "bm25", "models": {"encoder": "hashing-64"}, "answer": {"use": "extractive", "blend": 0}})
    task = prepare(tmp_path / "docs", tmp_path / "questions.jsonl", ["recall@1", "context_recall"], "embedded", None, Limits(), runtime)
    run_task({"words": pipeline}, task, tmp_path / "out", runtime)
    return task, tmp_path / "out" / "words"


def lock(folder: Path) -> dict:
    return json.loads((folder / "lock.json").read_text(encoding="utf-8"))


def test_a_kept_entry_is_what_would_be_computed(done: tuple[Task, Path]) -> None:
    """From the file and from the scores it is the same."""
    task, folder = done
    kept = entry(folder, lock(folder), task)
    (folder / "entry.json").unlink()
    assert entry(folder, lock(folder), task) == kept
    assert kept["metrics"]["recall@1"]["mean"] == 1.0


def test_a_kept_entry_spares_the_scores(done: tuple[Task, Path]) -> None:
    """Nothing but its file is read: what else there is was verified when the folder was found finished."""
    task, folder = done
    sealed = lock(folder)
    kept = entry(folder, sealed, task)
    (folder / "scores.jsonl").unlink()
    assert entry(folder, sealed, task) == kept


@pytest.mark.parametrize("what", ["damaged", "lock", "certificate", "questions", "code"])
def test_another_input_is_another_entry(done: tuple[Task, Path], monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """A forged figure in the file is believed only under the key of exactly this work."""
    task, folder = done
    sealed, path = lock(folder), folder / "entry.json"
    right = entry(folder, sealed, task)
    path.write_text(json.dumps({"key": json.loads(path.read_text())["key"], "entry": {"metrics": "forged"}}), encoding="utf-8")
    assert entry(folder, sealed, task) == {"metrics": "forged"}
    if what == "damaged":
        path.write_text("{", encoding="utf-8")
    elif what == "lock":
        sealed["files"] = {**sealed["files"], "scores.jsonl": "0" * 32}
    elif what == "certificate":
        task = replace(task, certificate=replace(task.certificate, status="none"))
    elif what == "questions":
        task = replace(task, questions=tuple(replace(q, text="other") for q in task.questions))
    else:
        monkeypatch.setattr(entries, "_code", lambda: "other")
    assert entry(folder, sealed, task)["metrics"]["recall@1"] == right["metrics"]["recall@1"]
