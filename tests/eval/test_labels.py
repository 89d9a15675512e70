"""Labelled rows: read strictly, and clustered by what they share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.labels import LabelledRow, read_all, read_labels, sources
from rag.errors import QuestionError

GOOD = {"id": "a", "question": "Who?", "contexts": ["Ada wrote it."], "answer": "Ada did.", "supported": True}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return path


def test_a_row_is_read_with_its_slice_and_tags(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.jsonl", GOOD, {**GOOD, "id": 7, "supported": False, "slice": "hard", "tags": ["long", "hard"], "note": "kept elsewhere"})
    found = read_labels(file)
    assert found.name == "mine"
    assert found.rows[0] == LabelledRow("a", "Who?", ("Ada wrote it.",), "Ada did.", True)
    assert found.rows[1] == LabelledRow("7", "Who?", ("Ada wrote it.",), "Ada did.", False, ("hard", "long"))


def test_a_question_may_be_absent_or_empty(tmp_path: Path) -> None:
    rows = read_labels(write(tmp_path / "f.jsonl", {k: v for k, v in GOOD.items() if k != "question"}, {**GOOD, "id": "b", "question": ""})).rows
    assert [r.question for r in rows] == ["", ""]


def test_lines_end_at_newlines_only(tmp_path: Path) -> None:
    odd = "one\u2028two\u0085three"
    assert read_labels(write(tmp_path / "f.jsonl", {**GOOD, "answer": odd})).rows[0].answer == odd


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({**GOOD, "id": "b", "supported": None}, "row 'b': supported is missing or null"),
        ({**GOOD, "id": "b", "supported": 1}, "supported is 1; write true or false"),
        ({**GOOD, "id": "b", "contexts": "text"}, 'contexts is "text"; write a list of strings'),
        ({**GOOD, "id": "b", "contexts": None}, "contexts is missing"),
        ({**GOOD, "id": "b", "answer": " "}, "answer is empty"),
        ({**GOOD, "id": "b", "question": 3}, "question is 3"),
        ({**GOOD, "id": "b", "slice": ""}, "slice is empty"),
        ({**GOOD, "id": "b", "tags": [1]}, "tags is [1]"),
        ({k: v for k, v in GOOD.items() if k != "id"}, "id is missing"),
        (GOOD, "the id 'a' is on line 1 already"),
        ([1], "[1] is not an object"),
    ],
)
def test_a_bad_row_is_one_error_that_names_the_line(tmp_path: Path, bad: object, told: str) -> None:
    with pytest.raises(QuestionError) as error:
        read_labels(write(tmp_path / "f.jsonl", GOOD, bad))
    assert "f.jsonl line 2" in str(error.value)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_file_of_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match="no such file"):
        read_labels(tmp_path / "absent.jsonl")
    with pytest.raises(QuestionError, match="holds no labelled rows"):
        read_labels(write(tmp_path / "empty.jsonl"))


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(QuestionError, match="called 'f' too"):
        read_all([write(tmp_path / "f.jsonl", GOOD), write(tmp_path / "other" / "f.jsonl", GOOD)])


def test_the_digest_is_of_all_that_matters(tmp_path: Path) -> None:
    digests = {read_labels(write(tmp_path / "f.jsonl", {**GOOD, **change})).digest for change in ({}, {"supported": False}, {"answer": "x"}, {"tags": ["t"]})}
    assert len(digests) == 4


def row(question: str, *contexts: str) -> LabelledRow:
    return LabelledRow("", question, contexts, "", True)


def test_rows_that_share_a_context_or_a_question_have_one_source() -> None:
    """The first and the third by way of the second; empty questions and contexts share nothing."""
    rows = [row("q", "a"), row("q", "b"), row("other", "b"), row("", "c"), row("", "d"), row("", "", "c")]
    assert sources(rows) == [0, 0, 0, 1, 2, 1]
    assert sources([row(""), row("")]) == [0, 1]
