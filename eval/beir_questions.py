"""The questions of a BEIR folder: `queries.jsonl`, and `qrels/test.tsv` saying which documents are relevant and how much."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.question_problems import Problems, Row, encodable, read_lines, read_rows
from eval.question_spans import near_id
from eval.questions import Question
from rag.errors import QuestionError
from rag.types import Document, Span

Judged = dict[str, dict[str, int]]


def load_beir(folder: Path, documents: Mapping[str, Document]) -> tuple[Question, ...]:
    """Return the queries that the test split judges; a document with a positive grade is evidence over its whole text.

    Of the other keys, `answer` (with `aliases`), `answers`, `tags` and `answerable` are used when well typed, the rest ignored.
    Raises `QuestionError` as `load_questions` does.
    """
    queries, qrels = folder / "queries.jsonl", folder / "qrels" / "test.tsv"
    if not queries.is_file() or not qrels.is_file():
        raise QuestionError(f"{folder} holds neither questions.jsonl nor queries.jsonl with qrels/test.tsv; add them, or give a JSON Lines file")
    judged = _read_qrels(qrels, documents)
    problems = Problems(queries.name)
    found: list[Question] = []
    for raw in read_rows(queries, problems):
        row = Row(raw.line, {**raw.data, "_id": _id(raw.data.get("_id"))})
        name = problems.identify(row, "_id")
        if name in judged:
            found.append(_question(row, name, judged.pop(name), documents, problems))
    for name in judged:
        problems.note(f"qrels/test.tsv: query {name!r} is judged but is not in queries.jsonl; add it or remove its lines")
    problems.check()
    if not found:
        raise QuestionError(f"{folder} holds no questions: {qrels.name} judges none; add lines of query id, document id and grade")
    return tuple(found)


def _id(value: Any) -> Any:
    """Return a whole number as the string that qrels hold for it; anything else unchanged."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _question(row: Row, name: str, grades: Mapping[str, int], documents: Mapping[str, Document], problems: Problems) -> Question:
    data = row.data
    text = problems.text(row, "text")
    answers = _strings([data.get("answer")]) + _strings(data.get("aliases")) + _strings(data.get("answers"))
    relevant = {doc: grade for doc, grade in grades.items() if grade > 0}
    # A judged document without text (Cranfield has two) stays relevant but offers no characters as evidence.
    evidence = tuple(Span(doc, 0, len(documents[doc].text)) for doc in relevant if documents[doc].text)
    answerable = data.get("answerable") is not False
    if not answerable and relevant:
        problems.add(row, "answerable is false but qrels/test.tsv names relevant documents; remove one of the two", "_id")
    return Question(name, text, evidence, tuple(dict.fromkeys(answers)), _strings(data.get("tags")), answerable, relevant)


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str) and v.strip() and encodable(v)) if isinstance(value, list) else ()


def _read_qrels(file: Path, documents: Mapping[str, Document]) -> Judged:
    """Return query id -> document id -> grade. A first line whose grade is no number is the header."""
    problems = Problems("qrels/test.tsv")
    judged: Judged = {}
    for number, line in enumerate(read_lines(file), start=1):
        cells = line.rstrip("\r").split("\t")
        if cells == [""] or (number == 1 and not _whole(cells[-1])):
            continue
        if len(cells) != 3 or not _whole(cells[2]):
            problems.note(f"qrels/test.tsv line {number}: {line[:60]!r} is not query id, document id and whole-number grade, parted by tabs; correct it")
            continue
        query, doc, grade = cells[0], cells[1], int(cells[2])
        if doc in judged.setdefault(query, {}):
            problems.note(f"qrels/test.tsv line {number}: document {doc!r} is judged for query {query!r} already; keep one of the lines")
        elif grade > 0 and doc not in documents:
            hint = near_id(doc, documents, problems)
            problems.note(f"qrels/test.tsv line {number}, question {query!r}: there is no document {doc!r}{hint}; use an id of the corpus")
        judged[query][doc] = grade
    problems.check()
    return judged


def _whole(cell: str) -> bool:
    """Whether the cell is a whole number that trec_eval would read."""
    return re.fullmatch(r"[+-]?[0-9]{1,9}", cell.strip()) is not None
