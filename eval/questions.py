"""Questions with evidence in a corpus: read from JSON Lines or a BEIR folder, verified, or refused with every problem counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eval.question_problems import Problems, Row, read_rows
from eval.question_spans import spans_of
from rag.errors import QuestionError
from rag.registry import did_you_mean
from rag.types import Document, Span

KEYS = ("id", "text", "evidence", "answers", "tags", "answerable", "distractors")


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `grades` holds the grade (at least 1) of every relevant document; `distractors` are near misses."""

    id: str
    text: str
    evidence: tuple[Span, ...] = ()
    answers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    answerable: bool = True
    grades: Mapping[str, int] = field(default_factory=dict, hash=False)
    distractors: tuple[Span, ...] = ()


def cluster(question: Question) -> str:
    """Return what the question is resampled with: the document of its first evidence, else its own id."""
    return question.evidence[0].doc_id if question.evidence else question.id


def load_questions(path: str | Path, documents: Mapping[str, Document]) -> tuple[Question, ...]:
    """Return the questions of a JSON Lines file or a BEIR folder, in file order, each verified against the documents.

    A folder's `questions.jsonl` wins over `queries.jsonl` with `qrels/test.tsv`. Raises one `QuestionError` whose line
    tells the first problem with its place and fix, and how many more there are.
    """
    path = Path(path)
    file = path
    if path.is_dir():
        file = path / "questions.jsonl"
        if not file.is_file():
            from eval.beir_questions import load_beir

            return load_beir(path, documents)
    problems = Problems(file.name)
    found = read_questions(file, documents, problems)
    problems.check()
    if not found:
        raise QuestionError(f'{file} holds no questions; write one JSON object per line: {{"id": "q1", "text": "...", "evidence": [...]}}')
    return tuple(found)


def read_questions(file: Path, documents: Mapping[str, Document], problems: Problems) -> list[Question]:
    """Return the sound questions of a JSON Lines file, in file order; what is wrong with the others is noted."""
    made = (_question(row, documents, problems) for row in read_rows(file, problems))
    return [question for question in made if question]


def _question(row: Row, documents: Mapping[str, Document], problems: Problems) -> Question | None:
    """Return the question of one row, or None when it is not usable; every problem of the row is noted."""
    before = len(problems)
    name = problems.identify(row, "id")
    for unknown in sorted(set(row.data) - set(KEYS)):
        problems.add(row, f"unknown key {unknown!r}{did_you_mean(unknown, list(KEYS))}; known keys: {', '.join(KEYS)}")
    text = problems.text(row, "text")
    answerable = row.data.get("answerable", True)
    if not isinstance(answerable, bool):
        problems.add(row, f"answerable is {answerable!r}; write true or false")
    evidence = spans_of(row, "evidence", documents, problems)
    if answerable is False and row.data.get("evidence"):
        problems.add(row, "answerable is false but there is evidence; remove the evidence, call it distractors, or set answerable to true")
    answers, tags = problems.texts(row, "answers"), problems.texts(row, "tags")
    distractors = spans_of(row, "distractors", documents, problems)
    if len(problems) > before:
        return None
    grades = {span.doc_id: 1 for span in evidence}
    return Question(name, text, evidence, answers, tags, bool(answerable), grades, distractors)
