"""This program's own forms, and what an export starts from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.formats import Asked, Bundle, Lost, beir, find, jsonl
from eval.formats.source import load_source
from rag.errors import ConfigError, QuestionError, StoreError
from rag.types import Document

DOCS = {"a.md": Document("a.md", "alpha beta alpha"), "b.md": Document("b.md", "gamma")}
ASKED = (
    Asked("q1", "First?", ({"doc": "a.md", "quote": "beta"}, {"doc": "a.md", "start": 0, "end": 5}), ("x",), ("t",)),
    Asked("q2", "Second?", answerable=False, distractors=({"doc": "b.md", "start": 0, "end": 5},)),
)


def test_a_question_file_that_is_written_is_read_again(tmp_path: Path) -> None:
    """Without a corpus quotes stay quotes; with one they are places."""
    lost = Lost()
    assert jsonl.write(Bundle(ASKED), None, tmp_path / "q.jsonl", lost) == [tmp_path / "q.jsonl"]
    assert jsonl.read([tmp_path / "q.jsonl"], None).questions == ASKED
    assert lost == {}
    first = jsonl.read([tmp_path / "q.jsonl"], DOCS).questions[0]
    assert first.evidence == ({"doc": "a.md", "start": 6, "end": 10}, {"doc": "a.md", "start": 0, "end": 5})


def test_answers_have_a_file_per_system(tmp_path: Path) -> None:
    rows = ({"question": "q1", "answer": "x", "contexts": []},)
    files = jsonl.write(Bundle(ASKED, {"mine": rows, "questions": rows}), None, tmp_path / "out", lost := Lost())
    assert [f.name for f in files] == ["questions.jsonl", "mine.jsonl"]
    assert [json.loads(line) for line in files[1].read_text().splitlines()] == list(rows)
    assert lost == {"systems called `questions`: their file would be that of the questions": 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "q", "text": "x", "answer": "y"}, "unknown key 'answer', did you mean 'answers'?"),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a"}]}, "evidence or distractors is not a list of"),
        ({"id": "q"}, "text is missing"),
    ],
)
def test_each_problem_is_told_with_its_line(tmp_path: Path, row: dict, message: str) -> None:
    (tmp_path / "q.jsonl").write_text(json.dumps(row))
    with pytest.raises(QuestionError, match="line 1, question 'q'") as caught:
        jsonl.read([tmp_path / "q.jsonl"], None)
    assert message in str(caught.value)


def test_an_export_starts_from_a_question_file_or_a_folder_of_either_form(tmp_path: Path) -> None:
    """Grades, which a question file cannot hold, are not lost on the way from a BEIR folder."""
    jsonl.write(Bundle(ASKED), None, tmp_path / "own" / "questions.jsonl", Lost())
    assert load_source(tmp_path / "own", None).questions == load_source(tmp_path / "own" / "questions.jsonl", None).questions == ASKED
    graded = Asked("q", "x?", ({"doc": "b.md", "start": 0, "end": 5},), grades={"b.md": 3})
    beir.write(Bundle((graded,)), DOCS, tmp_path / "beir", Lost())
    found = load_source(tmp_path / "beir", None)
    assert (found.questions, found.lost) == ((graded,), {})


def test_a_run_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"configs": {"a": {}}}')
    with pytest.raises(StoreError, match="the run is not finished or damaged"):
        load_source(tmp_path, None)


def test_an_unknown_format_is_refused_with_the_choices() -> None:
    with pytest.raises(ConfigError, match="no format is called 'squads', did you mean 'squad'"):
        find("squads")
