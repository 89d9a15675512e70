"""Question files: what is read, and that every problem is one line naming file, line, question and fix."""

import json

import pytest

from eval.questions import Question, cluster, load_questions
from rag.errors import QuestionError
from rag.types import Document, Span

TEXT = "The limit is 30 days. The limit applies to all."
DOCS = {"a.md": Document("a.md", TEXT), "b.md": Document("b.md", "Another text.\u2028It goes on.\u0085End.")}


def write(path, *rows):
    """Write rows (objects, or lines as they are) as JSON Lines."""
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return path


@pytest.fixture
def file(tmp_path):
    """Path of a question file to write."""
    return tmp_path / "questions.jsonl"


def error(file, *rows):
    """Load the rows and return the message of the error they must cause."""
    with pytest.raises(QuestionError) as caught:
        load_questions(write(file, *rows), DOCS)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_quote_and_offsets_become_spans_and_grades(file):
    """A quote is found, offsets are taken, every evidence document has grade 1."""
    write(
        file,
        {
            "id": "q1",
            "text": "How long?",
            "evidence": [{"doc": "a.md", "quote": "30 days"}, {"doc": "b.md", "start": 0, "end": 7}],
            "answers": ["30 days"],
            "tags": ["numeric"],
            "distractors": [{"doc": "a.md", "quote": "applies to all"}],
        },
    )
    evidence = (Span("a.md", 13, 20), Span("b.md", 0, 7))
    distractor = (Span("a.md", 32, 46),)
    expected = Question("q1", "How long?", evidence, ("30 days",), ("numeric",), True, {"a.md": 1, "b.md": 1}, distractor)
    assert load_questions(file, DOCS) == (expected,)
    assert cluster(expected) == "a.md"
    assert hash(expected) == hash(expected)


def test_a_question_without_evidence_is_its_own_cluster(file):
    """Evidence, answers and tags may be left out; answerable is then true."""
    (question,) = load_questions(write(file, {"id": "q1", "text": "Why?"}), DOCS)
    assert question.answerable
    assert question.evidence == ()
    assert question.grades == {}
    assert cluster(question) == "q1"


def test_lines_end_at_newline_only(file):
    """U+2028 and U+0085 in a text do not end a line; a byte order mark, CRLF and blank lines do no harm."""
    rows = [{"id": str(i), "text": f"one\u2028two\u0085three {i}"} for i in range(2)]
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(json.dumps(r, ensure_ascii=False) for r in rows).encode())
    assert [q.text for q in load_questions(file, DOCS)] == [r["text"] for r in rows]


GOOD = {"id": "q0", "text": "ok"}


@pytest.mark.parametrize(
    ("row", "parts"),
    [
        ("{nope", ["line 2", "not valid JSON", "write one JSON object per line"]),
        ("[" * 100_000, ["line 2", "not valid JSON"]),
        ("[1]", ["line 2", "not an object"]),
        ({"text": "x"}, ["line 2", "id is missing"]),
        ({"id": 7, "text": "x"}, ["line 2", "7", "id is 7; write a string"]),
        ({"id": "q", "text": ""}, ["'q'", "text is empty"]),
        ({"id": "q", "text": "\ud800"}, ["surrogate"]),
        ({"id": "q"}, ["text is missing"]),
        ({"id": "q0", "text": "x"}, ["line 2", "the id 'q0' is on line 1 already"]),
        ({"id": "q", "text": "x", "answerable": "yes"}, ["answerable is 'yes'; write true or false"]),
        ({"id": "q", "text": "x", "answers": "30"}, ['answers is "30"; write a list']),
        ({"id": "q", "text": "x", "tags": [1]}, ["tags is [1]"]),
        ({"id": "q", "text": "x", "answer": ["y"]}, ["unknown key 'answer', did you mean 'answers'?", "known keys: id, text"]),
        ({"id": "q", "text": "x", "evidence": {}}, ["evidence is not a list"]),
        ({"id": "q", "text": "x", "evidence": ["y"]}, ["evidence[0] is not an object"]),
        ({"id": "q", "text": "x", "evidence": [{"quote": "y"}]}, ["names no document"]),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a.md", "qoute": "y"}]}, ["'qoute', did you mean 'quote'?"]),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a.mdx", "quote": "y"}]}, ["no document 'a.mdx', did you mean 'a.md'?"]),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a.md"}]}, ["needs either a quote or start and end"]),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a.md", "quote": "30", "start": 1, "end": 2}]}, ["needs either"]),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a.md", "quote": "40 days"}]}, ["'40 days' is not in the document; copy it exactly"]),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a.md", "quote": "30  DAYS"}]}, ["it is there with other white space or case"]),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a.md", "quote": "The limit"}]}, ["occurs 2 times; make it longer, or give start and end"]),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a.md", "quote": ""}]}, ["not a non-empty string"]),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a.md", "start": 0, "end": 99}]}, ["[0, 99) is outside the text; give 0 <= start < end <= 47"]),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a.md", "start": 3, "end": 3}]}, ["[3, 3) is empty"]),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a.md", "start": -1, "end": 3}]}, ["[-1, 3) is outside the text"]),
        ({"id": "q", "text": "x", "evidence": [{"doc": "a.md", "start": True, "end": 3}]}, ["True and 3; give both as whole numbers"]),
        ({"id": "q", "text": "x", "answerable": False, "evidence": [{"doc": "a.md", "quote": "30"}]}, ["answerable is false but there is evidence"]),
        ({"id": "q", "text": "x", "distractors": [{"doc": "a.md", "quote": "nowhere"}]}, ["distractors[0] in 'a.md'", "not in the document"]),
    ],
)
def test_each_problem_is_told_with_place_and_fix(file, row, parts):
    """One line: file, line, question, what is wrong, what to do."""
    row = json.dumps(row) if isinstance(row, dict) else row
    message = error(file, GOOD, row)
    assert message.startswith("questions.jsonl line 2")
    for part in parts:
        assert part in message
    assert "more)" not in message


def test_quotes_that_overlap_themselves_are_counted(tmp_path, file):
    """`aa` is in `aaa` twice."""
    write(file, {"id": "q", "text": "x", "evidence": [{"doc": "d", "quote": "aa"}]})
    with pytest.raises(QuestionError, match="occurs 2 times"):
        load_questions(file, {"d": Document("d", "aaa")})


def test_all_problems_are_counted(file):
    """The first is told, the others are counted."""
    message = error(file, {"id": "q1"}, {"id": "q2", "text": ""}, "{", {"id": "q1", "text": "x", "tags": 3})
    assert message.startswith("questions.jsonl line 1, question 'q1': text is missing")
    assert message.endswith("(and 4 more)")


def test_no_questions_at_all_is_an_error(file):
    """An empty file does not pass as a set of no questions."""
    file.write_text("\n\n")
    with pytest.raises(QuestionError, match="holds no questions; write one JSON object per line"):
        load_questions(file, DOCS)


def test_an_unreadable_file_is_an_error(tmp_path, file):
    """Absent, not UTF-8, or a folder with neither form: one line each."""
    with pytest.raises(QuestionError, match="cannot be read"):
        load_questions(tmp_path / "absent.jsonl", DOCS)
    file.write_bytes(b'{"id": "q"}\n\xff\xfe')
    with pytest.raises(QuestionError, match="line 2: byte 12 is not UTF-8"):
        load_questions(file, DOCS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(QuestionError, match=r"neither questions.jsonl nor queries.jsonl with qrels/test.tsv"):
        load_questions(tmp_path / "empty", DOCS)
