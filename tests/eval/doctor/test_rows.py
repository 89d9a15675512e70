"""The file row by row: every problem is told, and where evidence moved to."""

import pytest

from eval.doctor.findings import Severity
from eval.doctor.rows import read_rows
from eval.doctor.shelf import Shelf
from rag.errors import QuestionError
from rag.types import Document

DOCS = {
    "a.md": Document("a.md", "Orders may be returned within thirty days of delivery.  The fee is five euros for each parcel."),
    "b.md": Document("b.md", "A cache holds keys and values. A cache holds keys and values."),
}


@pytest.fixture
def findings(write):
    def make(*rows):
        return read_rows(write(rows), DOCS, Shelf(DOCS)).findings

    return make


def test_all_problems_are_told_not_the_first_alone(findings, row):
    found = findings("{no json", row("q1", "", ("a.md", "The fee is five euros")), row("q2", "What?", ("c.md", "The fee is five euros")))
    assert [(f.question, f.line) for f in found] == [("", None), ("q1", 2), ("q2", 3)]
    assert "line 1" in found[0].message
    assert "text is empty" in found[1].message
    assert "there is no document 'c.md'" in found[2].message
    assert {f.severity for f in found} == {Severity.ERROR}


def test_sound_rows_are_kept_beside_others(write, row):
    rows = read_rows(write([row("q1", "What is the fee?", ("a.md", "five euros")), row("q2", "What?", ("a.md", "six euros"))]), DOCS, Shelf(DOCS))
    assert [q.id for q in rows.questions] == ["q1"]
    assert rows.lines["q1"] == 1
    assert len(rows.findings) == 1


def test_a_quote_of_another_document_is_found_there(findings, row):
    (found,) = findings(row("q1", "What is the fee?", ("b.md", "The fee is five euros")))
    assert (found.facts["moved"]["doc"], found.facts["moved"]["alike"]) == ("a.md", 1.0)
    assert "'a.md' at [56, 77)" in found.fix


def test_a_quote_with_other_white_space_is_found_in_place(findings, row):
    (found,) = findings(row("q1", "When?", ("a.md", "of delivery. The fee")))
    moved = found.facts["moved"]
    assert DOCS["a.md"].text[moved["start"] : moved["end"]] == "of delivery.  The fee"


def test_a_changed_quote_is_suggested_with_its_likeness(findings, row):
    """Eight of nine words are there, in a window of nine: 16 / 18."""
    (found,) = findings(row("q1", "When?", ("a.md", "Orders may be returned within sixty days of delivery")))
    assert found.facts["moved"]["text"] == "Orders may be returned within thirty days of delivery"
    assert found.facts["moved"]["alike"] == round(16 / 18, 3)


def test_the_quote_of_a_document_that_is_gone_is_found_where_it_is_nearly(findings, row):
    (found,) = findings(row("q1", "When?", ("gone.md", "Orders may be returned within sixty days of delivery")))
    assert found.facts["moved"]["doc"] == "a.md"


def test_an_ambiguous_quote_comes_with_all_its_places(findings, row):
    (found,) = findings(row("q1", "What does a cache hold?", ("b.md", "A cache holds keys and values.")))
    assert found.facts["moved"]["places"] == [{"start": 0, "end": 29}, {"start": 31, "end": 60}]
    assert "[0, 29), [31, 60)" in found.fix


def test_a_quote_that_is_nowhere_is_said_to_be_missing_and_nothing_suggested(findings, row):
    (found,) = findings(row("q1", "When?", ("a.md", "zebras graze quietly tonight")))
    assert "moved" not in found.facts
    assert "copy it exactly" in found.fix


def test_offsets_outside_the_text_are_told(findings, row):
    (found,) = findings(row("q1", "When?", ("b.md", (50, 70))))
    assert "outside the text" in found.message


def test_a_beir_folder_with_a_problem_is_one_finding(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_text('{"_id": "1", "text": ""}\n')
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\ta.md\t1\n")
    (found,) = read_rows(tmp_path, DOCS, Shelf(DOCS)).findings
    assert "text is empty" in found.message


def test_a_beir_folder_that_is_sound_has_questions(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_text('{"_id": "1", "text": "what fee"}\n')
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\ta.md\t1\n")
    assert [q.id for q in read_rows(tmp_path, DOCS, Shelf(DOCS)).questions] == ["1"]


def test_nothing_to_read_is_an_error(tmp_path, write):
    with pytest.raises(QuestionError, match="holds no questions"):
        read_rows(write([""]), DOCS, Shelf(DOCS))
    (tmp_path / "empty").mkdir()
    with pytest.raises(QuestionError, match=r"neither questions\.jsonl"):
        read_rows(tmp_path / "empty", DOCS, Shelf(DOCS))
    with pytest.raises(QuestionError, match="cannot be read"):
        read_rows(tmp_path / "absent.jsonl", DOCS, Shelf(DOCS))
