"""The review file goes out and comes back; what is garbled is refused with its line."""

import pytest

from eval.questions import Question, load_questions
from eval.synthesis.files import write_rows
from eval.synthesis.make import make
from eval.synthesis.marks import synthetic, synthetic_note
from eval.synthesis.review import review
from eval.synthesis.reviewed import read_review
from rag.errors import QuestionError, StoreError


@pytest.fixture
def made(corpus, runtime):
    return make(corpus, 6, runtime=runtime)


@pytest.fixture
def sent(made, tmp_path):
    """Write the review file, changed by a function of its text, and read it back."""

    def back(change=lambda text: text):
        file = tmp_path / "review.md"
        file.write_text(change(review(made.drafts, made.documents)), encoding="utf-8")
        return read_review(file, made.documents)

    return back


def test_an_unedited_file_gives_the_same_rows_tagged_as_reviewed(made, sent):
    found = sent()
    assert [{**r, "tags": r["tags"][:-1]} for r in found.rows] == list(made.rows)
    assert all(r["tags"][-1] == "reviewed" for r in found.rows)
    assert (found.dropped, found.edited) == (0, 0)


def test_dropped_questions_are_gone_and_edited_ones_keep_their_id(made, sent, tmp_path):
    first, second = made.rows[:2]

    def change(text):
        return text.replace(f"## {first['id']}: keep", f"## {first['id']}: DROP").replace(second["text"], "Is this better?")

    found = sent(change)
    assert (found.dropped, found.edited, len(found.rows)) == (1, 1, 5)
    assert (found.rows[0]["id"], found.rows[0]["text"], found.rows[0]["evidence"]) == (second["id"], "Is this better?", second["evidence"])
    write_rows(tmp_path / "r.jsonl", found.rows, made.documents)
    assert len(load_questions(tmp_path / "r.jsonl", made.documents)) == 5


def test_answers_may_be_added_and_removed(made, sent):
    found = sent(lambda t: t.replace(f"answer: {made.rows[0]['answers'][0]}", "answer: one\nanswer: two", 1))
    assert found.rows[0]["answers"] == ["one", "two"]


def test_windows_line_ends_change_nothing(sent):
    assert sent(lambda t: t.replace("\n", "\r\n")) == sent()


def test_unanswerable_questions_come_back(corpus, runtime, scripted, tmp_path):
    chat = scripted(lambda r: {"answered": False} if r.task == "questions_verify" else {"question": "Which insurer covers porcelain at sea?"})
    made = make(corpus, 1, chat, kinds=["chat:unanswerable"], runtime=runtime)
    (tmp_path / "u.md").write_text(review(made.drafts, made.documents))
    (row,) = read_review(tmp_path / "u.md", made.documents).rows
    assert (row["answerable"], row["distractors"]) == (False, made.rows[0]["distractors"])


def nth(text, start, n=1):
    """Return the number of the n-th line that begins so."""
    return [i for i, line in enumerate(text.split("\n"), 1) if line.startswith(start)][n - 1]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (": keep", ": maybe", "## syn", "neither keep nor drop"),
        ("question: ", "qestion: ", "qestion: ", "did you mean 'question'"),
        ("question: ", "question: one\nquestion: ", "question: According", "has 2 lines `question:`"),
        ("question: According", "According", "According", "is no part of a question"),
        ("tags: synthetic, ", "tags: ", "tags: ", "tag synthetic is gone"),
        ("answerable: yes", "answerable: perhaps", "answerable: perhaps", "write yes or no"),
        ("answerable: yes", "answerable: no", "question: ", "if and only if it has evidence"),
        ("evidence: ", "evidence: no-", "evidence: no-", "there is no document"),
        (".md [", ".md (", "evidence: ", "is no place"),
        ("> ", "> other ", "evidence: ", "is not what the file quotes"),
        ("evidence: ", "> stray\nevidence: ", "> stray", "stands before the line"),
    ],
)
def test_garbled_edits_are_refused_with_their_line(made, sent, tmp_path, old, new, line, message):
    with pytest.raises(QuestionError, match=message) as caught:
        sent(lambda t: t.replace(old, new, 1))
    text = (tmp_path / "review.md").read_text()
    assert f"line {nth(text, line)}: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_emptied_question_is_refused(made, sent):
    with pytest.raises(QuestionError, match="`question:` is empty"):
        sent(lambda t: t.replace(made.rows[0]["text"], " ", 1))


def test_an_id_that_comes_twice_is_refused(made, sent):
    with pytest.raises(QuestionError, match="is on line 8 already"):
        sent(lambda t: t.replace(made.rows[1]["id"], made.rows[0]["id"]))


def test_a_garbled_question_that_is_dropped_does_no_harm(made, sent):
    first = made.rows[0]
    assert sent(lambda t: t.replace(f"## {first['id']}: keep", f"## {first['id']}: drop").replace(first["text"], "", 1)).dropped == 1


def test_a_corpus_that_changed_is_noticed(made, tmp_path):
    (tmp_path / "r.md").write_text(review(made.drafts, made.documents))
    moved = {i: type(d)(d.id, "A new first line.\n" + d.text) for i, d in made.documents.items()}
    with pytest.raises(QuestionError, match="the document or the file changed"):
        read_review(tmp_path / "r.md", moved)
    short = {i: type(d)(d.id, d.text[:20]) for i, d in made.documents.items()}
    with pytest.raises(QuestionError, match="lies outside"):
        read_review(tmp_path / "r.md", short)


def test_a_file_without_questions_is_refused(tmp_path, made):
    (tmp_path / "r.md").write_text("# Nothing here\n")
    with pytest.raises(QuestionError, match="holds no question"):
        read_review(tmp_path / "r.md", made.documents)


def test_synthetic_questions_are_counted_and_told():
    questions = [
        Question("1", "A?"),
        Question("2", "B?", tags=("synthetic", "cloze", "reviewed")),
        Question("3", "C?", tags=("synthetic", "chat:single")),
        Question("4", "D?", tags=("synthetic", "chat:single")),
    ]
    assert synthetic(questions) == 3
    assert synthetic_note(questions) == (
        "3 of 4 questions are synthetic (2 chat:single, 1 cloze), 1 of them reviewed; cloze and heading questions repeat the words of the corpus and favour keyword search"
    )
    assert synthetic_note(questions[2:]) == "2 of 2 questions are synthetic (2 chat:single), 0 of them reviewed"
    assert synthetic_note(questions[:1]) == ""


def test_writing_nothing_is_an_error(tmp_path, made):
    with pytest.raises(QuestionError, match="no question is left"):
        write_rows(tmp_path / "q.jsonl", [], made.documents)


def test_store_errors_are_those_of_files(tmp_path):
    from eval.synthesis.files import check_target

    with pytest.raises(StoreError, match="there is no folder"):
        check_target(tmp_path / "absent" / "q.jsonl")
