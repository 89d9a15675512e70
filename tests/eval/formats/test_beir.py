"""BEIR folders: what is written is read again, and what does not fit is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.formats import Asked, Bundle, Lost, beir
from eval.questions import load_questions
from eval.task import read_corpus
from rag.errors import ConfigError, QuestionError
from rag.loaders.limits import Limits
from rag.types import Document

DOCS = {
    "a": Document("a", "alpha \u2028 beta", {"year": 2024, "authors": ("X", "Y")}, "Title of a"),
    "b": Document("b", "gamma"),
}


def whole(doc: str) -> dict:
    return {"doc": doc, "start": 0, "end": len(DOCS[doc].text)}


ASKED = (
    Asked("q1", "First?", (whole("a"), whole("b")), ("One", "1"), ("tag",), grades={"a": 2, "b": 1}),
    Asked("q2", "Second?", (whole("b"),), grades={"b": 1}),
)


def test_a_folder_that_is_written_is_read_again(tmp_path: Path) -> None:
    """Questions, answers, tags, grades, and the corpus with titles and metadata."""
    lost = Lost()
    files = beir.write(Bundle(ASKED), DOCS, tmp_path / "set", lost)
    assert [str(f.relative_to(tmp_path)) for f in files] == ["set/queries.jsonl", "set/qrels/test.tsv", "set/corpus.jsonl"]
    assert lost == {}
    found = beir.read([tmp_path / "set"], None)
    assert found.questions == ASKED
    assert found.lost == {"grades above 1: a question file says relevant or not (give the BEIR folder itself as --questions to keep them)": 1}
    documents, failed = read_corpus(tmp_path / "set", Limits())
    assert failed == ()
    assert {d.id: (d.text, d.title, dict(d.meta)) for d in documents} == {d.id: (d.text, d.title, dict(d.meta)) for d in DOCS.values()}


def test_what_a_folder_cannot_hold_is_counted(tmp_path: Path) -> None:
    part = Asked("q3", "Part?", ({"doc": "a", "start": 0, "end": 5},), distractors=(whole("b"),))
    none, open_ = Asked("q4", "Never?", answerable=False), Asked("q5", "Where?")
    lost = Lost()
    beir.write(Bundle((*ASKED, part, none, open_), {"mine": ({"question": "q1"},)}), DOCS, tmp_path, lost)
    assert lost == {
        "places in a document: qrels name the document only": 1, "distractors": 1, "unanswerable questions: qrels cannot say so, and leave them out": 1,
        "questions without evidence: they are not in the qrels": 1, "answers of systems: this form holds questions": 1,
    }  # fmt: skip
    assert (tmp_path / "qrels" / "test.tsv").read_text() == "query-id\tcorpus-id\tscore\nq1\ta\t2\nq1\tb\t1\nq2\tb\t1\nq3\ta\t1\n"
    queries = [json.loads(line) for line in (tmp_path / "queries.jsonl").read_text().splitlines()]
    assert [(q["_id"], q.get("answerable", True)) for q in queries] == [("q1", True), ("q2", True), ("q3", True), ("q4", False), ("q5", True)]
    found = beir.read([tmp_path], None)
    assert found.lost["queries that qrels/test.tsv does not judge"] == 2
    assert [q.id for q in load_questions(tmp_path, DOCS)] == ["q1", "q2", "q3"]


def test_a_judged_document_without_text_is_counted(tmp_path: Path) -> None:
    beir.write(Bundle(ASKED), DOCS, tmp_path, Lost())
    found = beir.read([tmp_path], DOCS | {"b": Document("b", "")})
    assert found.lost["relevant documents without text: they cannot be evidence"] == 2
    assert [len(q.evidence) for q in found.questions] == [1, 0]


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match=r"the id 'a\\tb' holds a tab"):
        beir.write(Bundle((Asked("a\tb", "x?", (whole("a"),)),)), DOCS, tmp_path, Lost())
    with pytest.raises(ConfigError, match="2 files are given; name one: a BEIR folder"):
        beir.read([tmp_path, tmp_path], None)
