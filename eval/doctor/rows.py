"""Every problem of a question file, row by row, with where moved evidence went to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.doctor.findings import Finding, Severity, shortened
from eval.doctor.shelf import Shelf
from eval.question_problems import Problems, Row
from eval.questions import Question, read_questions
from rag.errors import QuestionError
from rag.types import Document, Span


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one line of a file; `row` is None for a line that holds no row."""

    message: str
    row: Row | None = None


class EveryProblem(Problems):
    """Keeps every problem, where `Problems` keeps the first."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.found: list[Problem] = []

    @property
    def lines(self) -> Mapping[str, int]:
        """The line of every id that was met."""
        return self._seen

    def add(self, row: Row, what: str, key: str = "id") -> None:
        """Note a problem of one row."""
        super().add(row, what, key)
        self.found[-1] = Problem(what, row)

    def note(self, message: str) -> None:
        """Note a problem whose place is in the message."""
        super().note(message)
        self.found.append(Problem(message))


@dataclass(frozen=True)
class Rows:
    """The sound questions of a file, the line of each, and what is wrong with the others."""

    questions: tuple[Question, ...]
    lines: Mapping[str, int]
    findings: tuple[Finding, ...]


def read_rows(path: Path, documents: Mapping[str, Document], shelf: Shelf) -> Rows:
    """Return what a file of questions or a BEIR folder holds. Of a BEIR folder with problems only the first is told, as reading it ends there.

    Raises `QuestionError` when the file cannot be read at all.
    """
    file = path / "questions.jsonl" if path.is_dir() else path
    if path.is_dir() and not file.is_file():
        return _beir(path, documents)
    problems = EveryProblem(file.name)
    questions = read_questions(file, documents, problems)
    if not questions and not problems.found:
        raise QuestionError(f'{file} holds no questions; write one JSON object per line: {{"id": "q1", "text": "...", "evidence": [...]}}')
    return Rows(tuple(questions), dict(problems.lines), tuple(_finding(p, shelf) for p in problems.found))


def _beir(path: Path, documents: Mapping[str, Document]) -> Rows:
    from eval.beir_questions import load_beir

    try:
        return Rows(load_beir(path, documents), {}, ())
    except QuestionError as error:
        if not (path / "queries.jsonl").is_file():
            raise
        return Rows((), {}, (Finding("rows", Severity.ERROR, str(error)),))


def _finding(problem: Problem, shelf: Shelf) -> Finding:
    if problem.row is None:
        return Finding("rows", Severity.ERROR, problem.message)
    row = problem.row
    name = row.data.get("id")
    what, _, fix = problem.message.rpartition("; ")
    moved = _moved(what, row, shelf)
    facts = {"moved": moved} if moved else {}
    if moved:
        fix = moved["fix"]
    return Finding("rows", Severity.ERROR, what or problem.message, name if isinstance(name, str) else "", row.line, fix, facts)


def _moved(what: str, row: Row, shelf: Shelf) -> dict[str, Any]:
    """Return where the evidence that a problem names (`evidence[0] ...`) is now, empty when it is nowhere, or not what the problem is about."""
    key, _, rest = what.partition("[")
    number = rest.partition("]")[0]
    items = row.data.get(key)
    if key not in ("evidence", "distractors") or not isinstance(items, list) or not number.isdecimal() or int(number) >= len(items):
        return {}
    item = items[int(number)]
    quote, doc = (item.get("quote"), item.get("doc")) if isinstance(item, dict) else (None, None)
    if not isinstance(quote, str) or not isinstance(doc, str) or not quote.strip():
        return {}
    places = shelf.runs(quote, doc) if doc in shelf.documents else []
    if len(places) > 1:
        return _places(places, shelf)
    if places:
        return _place(places[0], 1.0, shelf)
    if others := shelf.elsewhere(quote, doc):
        return _place(others[0], 1.0, shelf)
    near = (shelf.near(quote, doc) if doc in shelf.documents else None) or shelf.near_anywhere(quote)
    return _place(near.span, near.alike, shelf) if near else {}


def _place(span: Span, alike: float, shelf: Shelf) -> dict[str, Any]:
    text = shelf.documents[span.doc_id].text[span.start : span.end]
    how = "the same words" if alike == 1 else f"{alike:.0%} of the words"
    fix = f"{how} are in {span.doc_id!r} at [{span.start}, {span.end}): {shortened(text)!r}; use that when it says the same"
    return {"doc": span.doc_id, "start": span.start, "end": span.end, "alike": round(alike, 3), "text": text, "fix": fix}


def _places(spans: list[Span], shelf: Shelf) -> dict[str, Any]:
    shown = ", ".join(f"[{s.start}, {s.end})" for s in spans[:5])
    found = [{"start": s.start, "end": s.end} for s in spans]
    return {"doc": spans[0].doc_id, "places": found, "fix": f"give the start and end of the right one of {shown}, or a longer quote"}
