"""An explanation needs the corpus, the questions and the files that the run was made with."""

from __future__ import annotations

import json
import shutil

import pytest

from eval.explain.opened import open_run
from eval.records import write_jsonl
from eval.task import corpus_digest
from rag.errors import ConfigError, StoreError


def test_the_digest_is_the_one_that_the_run_wrote(place):
    run = open_run(place / "run", ["fine"], place / "docs")
    assert corpus_digest(run.documents) == json.loads((place / "run" / "summary.json").read_text())["corpus"]["digest"]
    assert [q.id for q in run.questions] == ["top", "second", "torn", "copy", "none"]


def test_another_corpus_is_refused(place, tmp_path):
    shutil.copytree(place / "docs", tmp_path / "docs")
    (tmp_path / "docs" / "wing.md").write_text("Falcon wings are heavy.")
    with pytest.raises(StoreError, match=r"is not the corpus that .* was made on"):
        open_run(place / "run", ["fine"], tmp_path / "docs")


def test_a_name_that_is_not_there_changed_files_and_other_questions_are_refused(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    with pytest.raises(ConfigError, match=r"no configuration 'fin'.*fine"):
        open_run(tmp_path / "run", ["fin"], place / "docs")
    write_jsonl(tmp_path / "run" / "fine" / "answers.jsonl", [])
    with pytest.raises(StoreError, match="is not what the lock says"):
        open_run(tmp_path / "run", ["fine"], place / "docs").ran("fine")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    (tmp_path / "run" / "summary.json").write_text(json.dumps(summary | {"questions": {"digest": "other"}}))
    with pytest.raises(StoreError, match="measured on other questions"):
        open_run(tmp_path / "run", ["pack"], place / "docs")


def test_answers_from_elsewhere_cannot_be_replayed(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    path = tmp_path / "run" / "fine" / "lock.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"config": {"use": "outside", "file": "a.jsonl"}, "outside": {}}))
    with pytest.raises(StoreError, match="answered elsewhere"):
        open_run(tmp_path / "run", ["fine"], place / "docs")
    assert "fine" not in open_run(tmp_path / "run", ["pack"], place / "docs").pipelines
