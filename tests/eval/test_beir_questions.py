"""BEIR folders: judged queries with graded evidence over whole documents."""

import json

import pytest

from eval.questions import load_questions
from rag.errors import QuestionError
from rag.types import Document, Span

DOCS = {"1": Document("1", "first text"), "2": Document("2", "second"), "3": Document("3", "", title="only a title")}


@pytest.fixture
def beir(tmp_path):
    """Return a function that writes a BEIR folder from queries and lines of judgements."""

    def write(queries, judgements, header="query-id\tcorpus-id\tscore\n"):
        (tmp_path / "queries.jsonl").write_text("\n".join(json.dumps(q) for q in queries))
        (tmp_path / "qrels").mkdir(exist_ok=True)
        (tmp_path / "qrels" / "test.tsv").write_text(header + "".join(f"{line}\n" for line in judgements))
        return tmp_path

    return write


def test_judged_documents_are_evidence_over_their_whole_text(beir):
    """Grades are kept, grade 0 is no evidence, unjudged queries are left out, other keys are ignored."""
    queries = [
        {"_id": "a", "text": "A?", "answer": "yes", "aliases": ["yep", "yes"], "evidence": [{"doc_id": 1}], "label": 3},
        {"_id": "b", "text": "unjudged", "metadata": {}},
        {"_id": 7, "text": "C?"},
    ]
    first, second = load_questions(beir(queries, ["a\t2\t2", "a\t1\t1", "a\t3\t0", "7\t1\t0"]), DOCS)
    assert first.evidence == (Span("2", 0, 6), Span("1", 0, 10))
    assert first.grades == {"2": 2, "1": 1}
    assert first.answers == ("yes", "yep")
    assert (second.id, second.evidence, second.grades) == ("7", (), {})


def test_the_header_is_optional(beir):
    """A first line whose last cell is a number is a judgement."""
    (question,) = load_questions(beir([{"_id": "a", "text": "A?"}], ["a\t1\t1"], header=""), DOCS)
    assert question.grades == {"1": 1}


def test_a_relevant_document_without_text_stays_relevant(beir):
    """It counts in the ranking metrics (as in trec_eval) but offers no characters."""
    (question,) = load_questions(beir([{"_id": "a", "text": "A?"}], ["a\t3\t4"]), DOCS)
    assert question.grades == {"3": 4}
    assert question.evidence == ()


def test_questions_jsonl_wins(beir):
    """A BEIR corpus may come with span questions."""
    folder = beir([{"_id": "a", "text": "A?"}], ["a\t1\t1"])
    (folder / "questions.jsonl").write_text('{"id": "s", "text": "span?"}')
    assert [q.id for q in load_questions(folder, DOCS)] == ["s"]


@pytest.mark.parametrize(
    ("queries", "judgements", "message"),
    [
        ([{"_id": "a", "text": "A?"}], ["a\t9\t1"], "test.tsv line 2, question 'a': there is no document '9'"),
        ([{"_id": "a", "text": "A?"}], ["a\t1\t1", "a\t1\t2"], "line 3: document '1' is judged for query 'a' already"),
        ([{"_id": "a", "text": "A?"}], ["a\t1\tx"], "line 2: .* is not query id, document id and whole-number grade"),
        ([{"_id": "a", "text": "A?"}], ["a 1 1"], "line 2: "),
        ([{"_id": "a", "text": "A?"}], ["b\t1\t1"], "query 'b' is judged but is not in queries.jsonl"),
        ([{"_id": "a", "text": "A?"}, {"_id": "a", "text": "B?"}], ["a\t1\t1"], "line 2, question 'a': the id 'a' is on line 1 already"),
        ([{"_id": "a", "text": " "}], ["a\t1\t1"], "text is empty"),
        ([{"_id": "a", "text": "A?", "answerable": False}], ["a\t1\t1"], "answerable is false but"),
        ([{"_id": "a", "text": "A?"}], [], "holds no questions: test.tsv judges none"),
    ],
)
def test_problems_of_a_beir_folder(beir, queries, judgements, message):
    """One line each, with place and fix."""
    with pytest.raises(QuestionError, match=message):
        load_questions(beir(queries, judgements), DOCS)
