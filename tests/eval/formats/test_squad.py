"""SQuAD files: places stay on the same words, unanswerable questions stay unanswerable, and what does not fit is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.formats import Asked, Bundle, Lost, squad
from eval.formats.base import document_rows, write_rows
from eval.questions import load_questions
from eval.task import read_corpus
from rag.errors import ConfigError, QuestionError
from rag.loaders.limits import Limits
from rag.types import Document

FIRST, SECOND = "Denver won. \U0001f3c8 The Denver Broncos won in 2016.", "The score was 24 to 10."


def answer(text: str, start: int) -> dict:
    return {"text": text, "answer_start": start}


def qa(id: str, answers: list, **more) -> dict:
    return {"id": id, "question": f"What about {id}?", "answers": answers, **more}


def file(path: Path, paragraphs: list, *others: dict) -> Path:
    path.write_text(json.dumps({"version": "v2.0", "data": [{"title": "Super Bowl", "paragraphs": paragraphs}, *others]}), encoding="utf-8")
    return path


def test_an_article_is_a_document_and_places_move_with_their_paragraph(tmp_path: Path) -> None:
    """Offsets count characters, so an emoji before the answer moves nothing; equal titles get numbers."""
    paragraphs = [
        {"context": FIRST, "qas": [qa("q1", [answer("Denver Broncos", 18), answer("The Denver Broncos", 14)])]},
        {"context": SECOND, "qas": [qa("q2", [answer("24", 14)])]},
    ]
    found = squad.read([file(tmp_path / "s.json", paragraphs, {"title": "Super Bowl", "paragraphs": [{"context": "x", "qas": []}]})], None)
    assert [(d.id, d.text) for d in found.documents] == [("Super Bowl", f"{FIRST}\n\n{SECOND}"), ("Super Bowl (2)", "x")]
    text = found.documents[0].text
    assert [text[q.evidence[0]["start"] : q.evidence[0]["end"]] for q in found.questions] == ["Denver Broncos", "24"]
    assert found.questions[0].answers == ("Denver Broncos", "The Denver Broncos")
    assert found.lost == {"other places of an answer: the first is the evidence": 1}


def test_an_impossible_question_is_unanswerable_and_its_plausible_answers_are_distractors(tmp_path: Path) -> None:
    paragraphs = [{"context": SECOND, "qas": [qa("q", [], is_impossible=True, plausible_answers=[answer("10", 20)])]}]
    (q,) = squad.read([file(tmp_path / "s.json", paragraphs)], None).questions
    assert (q.answerable, q.evidence, q.distractors) == (False, (), ({"doc": "Super Bowl", "start": 20, "end": 22},))


def test_an_answer_that_is_not_where_it_should_be_is_looked_for_or_counted(tmp_path: Path) -> None:
    """`24` is there once, `o` more often, `zebra` never."""
    paragraphs = [
        {
            "context": SECOND,
            "qas": [qa("moved", [answer("24", 3)]), qa("twice", [answer("o", 0)]), qa("never", [answer("zebra", 0)]), qa("blank", [answer("", 0)])],
        }
    ]
    found = squad.read([file(tmp_path / "s.json", paragraphs)], None)
    assert [len(q.evidence) for q in found.questions] == [1, 0, 0, 0]
    assert found.questions[0].evidence[0]["start"] == 14
    assert found.lost == {
        "answers that were not at their answer_start and were found elsewhere: their place was corrected": 1,
        "answers that are not at their answer_start, nor at one other place: they have no place": 2, "blank answers": 1,
        "answerable questions whose answers have no place: they are kept without evidence": 3,
    }  # fmt: skip


def test_questions_and_corpus_that_are_imported_can_be_run(tmp_path: Path) -> None:
    """The documents, as they are read back from disk, hold the evidence at the same characters."""
    paragraphs = [{"context": FIRST, "qas": [qa("q1", [answer("2016", 40)]), qa("q2", [], is_impossible=True)]}]
    found = squad.read([file(tmp_path / "s.json", paragraphs)], None)
    write_rows(tmp_path / "corpus" / "corpus.jsonl", document_rows(found.documents))
    write_rows(tmp_path / "q.jsonl", [q.row() for q in found.questions])
    documents, _ = read_corpus(tmp_path / "corpus", Limits())
    first, second = load_questions(tmp_path / "q.jsonl", {d.id: d for d in documents})
    assert documents[0].text[first.evidence[0].start : first.evidence[0].end] == "2016"
    assert (first.answerable, second.answerable) == (True, False)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    docs = {"one": Document("one", FIRST), "two": Document("two", SECOND), "three": Document("three", "Nobody asks.")}
    asked = (
        Asked("q1", "Who?", ({"doc": "one", "start": 18, "end": 32},), ("Denver Broncos",)),
        Asked("q2", "Never?", answerable=False, distractors=({"doc": "two", "start": 14, "end": 16},)),
    )
    lost = Lost()
    assert squad.write(Bundle(asked), docs, tmp_path / "out" / "s.json", lost) == [tmp_path / "out" / "s.json"]
    assert lost == {"documents that no question is about": 1}
    found = squad.read([tmp_path / "out" / "s.json"], None)
    assert found.questions == asked
    assert {d.id: d.text for d in found.documents} == {"one": FIRST, "two": SECOND}


def test_what_squad_cannot_hold_is_counted(tmp_path: Path) -> None:
    docs = {"one": Document("one", FIRST), "two": Document("two", SECOND)}
    several = Asked(
        "q1",
        "Who?",
        ({"doc": "one", "quote": "Denver Broncos"}, {"doc": "one", "start": 0, "end": 6}, {"doc": "two", "start": 14, "end": 16}),
        ("The Broncos",),
        ("t",),
    )
    lost = Lost()
    squad.write(Bundle((several, Asked("q2", "Never?", answerable=False)), {"mine": ({},)}), docs, tmp_path / "s.json", lost)
    assert lost == {
        "evidence in a further document: SQuAD asks about one paragraph": 1, "further evidence of a question: to SQuAD it is another answer, not more to be found": 1,
        "reference answers that are not the words of the evidence": 1, "questions without a place in a document: SQuAD asks about a paragraph": 1, "tags": 1,
        "answers of systems: this form holds questions": 1, "documents that no question is about": 1,
    }  # fmt: skip
    (article,) = json.loads((tmp_path / "s.json").read_text())["data"]
    assert article["paragraphs"][0]["qas"][0]["answers"] == [{"text": "Denver Broncos", "answer_start": 18}, {"text": "Denver", "answer_start": 0}]
    with pytest.raises(ConfigError, match="SQuAD files hold the documents; give --corpus"):
        squad.write(Bundle((several,)), None, tmp_path / "s.json", Lost())


@pytest.mark.parametrize(
    "text", ["", "[]", '{"data": [{}]}', '{"data": 3}', '{"data": [{"paragraphs": [{"context": "x", "qas": [{"id": "q"}]}]}]}', "[" * 100_000]
)
def test_what_is_no_squad_file_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(QuestionError, match=r"s.json is no SQuAD file"):
        squad.read([tmp_path / "s.json"], None)


def test_an_id_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match="the question id 'q' is there twice"):
        squad.read([file(tmp_path / "s.json", [{"context": SECOND, "qas": [qa("q", [answer("24", 14)]), qa("q", [answer("24", 14)])]}])], None)
