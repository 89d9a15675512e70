"""CSV of questions: any text comes back as it was, a spreadsheet finds no formula, and each problem is told with its row."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.formats import Asked, Bundle, Lost, tables
from eval.formats.tables import plain, safe
from rag.errors import ConfigError, QuestionError
from rag.types import Document

DOCS = {"a.md": Document("a.md", 'The limit is 30 days, "thirty".\nThe end. The limit is 30 days.'), "b.md": Document("b.md", "Other.")}
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20).filter(str.strip)
LINES = TEXTS.map(lambda t: " ".join(t.split())).filter(bool)


@settings(deadline=None)  # files and first imports take as long as they take
@given(st.text(max_size=10) | st.text("'=+-@\t\r\n\uff1dx", max_size=6))
def test_no_cell_is_a_formula_and_each_comes_back(cell: str) -> None:
    assert plain(safe(cell)) == cell
    assert not safe(cell).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"))


@settings(deadline=None)  # files and first imports take as long as they take
@given(st.lists(st.tuples(TEXTS, st.lists(LINES, max_size=2, unique=True), st.lists(LINES, max_size=2, unique=True), st.booleans()), min_size=1, max_size=4))
def test_any_question_comes_back_as_it_was(tmp_path_factory, drawn) -> None:
    """Commas, quotes, line ends, formulas and every script."""
    asked = tuple(Asked(f"q{i}", text, (), tuple(answers), tuple(tags), answerable) for i, (text, answers, tags, answerable) in enumerate(drawn))
    path, lost = tmp_path_factory.mktemp("csv") / "q.csv", Lost()
    tables.write(Bundle(asked), None, path, lost)
    found = tables.read([path], None)
    assert found.questions == asked
    assert lost == found.lost == {}


def test_evidence_is_a_quote_where_it_stands_once_and_a_place_else(tmp_path: Path) -> None:
    """Further evidence has a row of its own with the same id; a spreadsheet sees UTF-8 by the byte order mark."""
    asked = Asked(
        "q", "Wie l\u00e4uft es?", ({"doc": "a.md", "start": 22, "end": 30}, {"doc": "a.md", "start": 0, "end": 9}, {"doc": "b.md", "start": 0, "end": 6})
    )
    lost = Lost()
    tables.write(Bundle((asked,)), DOCS, tmp_path / "q.csv", lost)
    data = (tmp_path / "q.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfid,question,")
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines()))
    assert [(r["id"], r["question"], r["doc"], r["quote"], r["start"], r["end"]) for r in rows] == [
        ("q", asked.text, "a.md", '"thirty"', "", ""), ("q", "", "a.md", "", "0", "9"), ("q", "", "b.md", "Other.", "", ""),
    ]  # fmt: skip
    (found,) = tables.read([tmp_path / "q.csv"], DOCS).questions
    assert found.evidence == ({"doc": "a.md", "quote": '"thirty"'}, {"doc": "a.md", "start": 0, "end": 9}, {"doc": "b.md", "quote": "Other."})
    assert lost == {}


def test_what_a_table_cannot_hold_is_counted(tmp_path: Path) -> None:
    lost = Lost()
    tables.write(
        Bundle((Asked("q ", "x", (), ("two\nlines", "one"), (), grades={"a": 2}, distractors=({},)),), {"mine": ({},)}), None, tmp_path / "q.csv", lost
    )
    assert lost == {
        "line ends and white space at the ends of answers: each is one line of a cell": 1, "white space at the ends of ids": 1, "distractors": 1, "grades above 1": 1,
        "answers of systems: this form holds questions": 1,
    }  # fmt: skip


def read(tmp_path: Path, text: str, documents=DOCS):
    (tmp_path / "q.csv").write_text(text, encoding="utf-8", newline="")
    return tables.read([tmp_path / "q.csv"], documents)


def test_a_table_that_a_person_made_needs_only_a_column_of_questions(tmp_path: Path) -> None:
    """Names of columns in any case and order, rows without ids, a blank line, a document as a whole, other columns counted."""
    found = read(
        tmp_path,
        "Notes,Question,Answer,doc,quote\r\nfine,Why?,Because.\nSo.,a.md,The end.\r\n,,,,\r\n,Why?,,b.md,\r\n,How?,,,\r\n".replace(
            "Because.\nSo.", '"Because.\nSo."'
        ),
    )
    assert found.questions == (
        Asked("row-2", "Why?", ({"doc": "a.md", "quote": "The end."}, {"doc": "b.md", "start": 0, "end": 6}), ("Because.", "So.")), Asked("row-5", "How?"),
    )  # fmt: skip
    assert found.lost == {"cells of the column 'notes'": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("qestion,answer\n", "there is no column question, did you mean 'qestion'?"),
        ("question,answer,answers\n", "a column is there twice"),
        ("question\na,b\n", "row 2: 2 cells for 1 columns"),
        ('question\n"a\n', "not valid CSV"),
        ("question,quote\nWhy?,x\n", "row 2: there is a quote or a place but no doc"),
        ("question,doc,start,end\nWhy?,a.md,1,x\n", "row 2: start and end are '1' and 'x'"),
        ("question,doc\nWhy?,c.md\n", "row 2: there is no document 'c.md'"),
        ("question,answerable\nWhy?,maybe\n", "row 2: answerable is 'maybe'"),
        ("id,question\nq,Why?\nq,How?\n", "row 3: the id 'q' belongs to another question"),
        ("id,question\nq,Why?\nq,\n", "row 3: question 'q' is there already and this row adds nothing"),
        ("id,question\nq,\n", "row 2: question is blank"),
        ("id,question\nrow-3,Why?\n,How?\n", "row 3: the id 'row-3' is taken"),
    ],
)
def test_each_problem_is_told_with_its_row(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(QuestionError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)


def test_a_whole_document_takes_a_corpus_and_the_file_utf_8(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"row 2: all of 'a.md' is the evidence; give --corpus"):
        read(tmp_path, "question,doc\nWhy?,a.md\n", None)
    (tmp_path / "q.csv").write_bytes("question\nWie l\u00e4uft es?\n".encode("latin-1"))
    with pytest.raises(QuestionError, match="byte 14 is not UTF-8"):
        tables.read([tmp_path / "q.csv"], None)
