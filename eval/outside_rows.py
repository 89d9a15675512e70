"""The rows of answers that another system made: read, checked against questions and corpus, or refused with the line and the fix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.outside_refusals import refusal
from eval.question_problems import Problems, Row, encodable, read_rows
from eval.question_spans import near_id
from eval.questions import Question
from rag.errors import QuestionError
from rag.registry import did_you_mean
from rag.types import Document, Span

SPENT = ("prompt_tokens", "completion_tokens", "cost")
KEYS = ("question", "answer", "contexts", "abstained", "citations", "ranking", "latency_ms", *SPENT)
_FORM = '{"question", "answer", "contexts": [text or {"doc_id", "start", "end"}]}'
_SPAN = 'write {"doc_id", "start", "end"}'
EMPTY_ANSWER = "empty answer"


@dataclass(frozen=True, slots=True)
class Shown:
    """A context as it was given: a span, or a text and perhaps the document that it is from."""

    span: Span | None = None
    text: str = ""
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What another system gave for one question. `answer` is None in a row that only ranks; `detected` says that its wording made it an abstention."""

    question: str
    answer: str | None
    contexts: tuple[Shown, ...] = ()
    abstained: str = ""
    detected: bool = False
    citations: tuple[Span, ...] = ()
    ranking: tuple[tuple[Span, float | None], ...] | None = None
    latency_ms: float | None = None
    spent: Mapping[str, float] = field(default_factory=dict, hash=False)


def read_answers(file: Path, questions: Sequence[Question], documents: Mapping[str, Document]) -> dict[str, Given]:
    """Return the rows of a file by question id. Raises one `QuestionError` with the first problem and how many more there are."""
    if not file.is_file():
        raise QuestionError(f"{file}: there is no such file; give a JSON Lines file of answers, one {_FORM} per line")
    problems = Problems(file.name)
    names = _Names(questions)
    found: dict[str, Given] = {}
    lines: dict[str, int] = {}
    for row in read_rows(file, problems):
        before = len(problems)
        name = names.find(row, problems)
        given = _given(row, name, documents, problems)
        if name in lines:
            problems.add(row, f"line {lines[name]} answers this question already; keep one of the two", "question")
        elif len(problems) == before:
            found[name], lines[name] = given, row.line
    problems.check()
    if not found:
        raise QuestionError(f"{file} holds no answers; write one JSON object per line: {_FORM}")
    return found


class _Names:
    """Finds questions by id, else by their exact text."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self._ids = {q.id: q for q in questions}
        self._texts: dict[str, list[str]] = {}
        for q in questions:
            self._texts.setdefault(q.text, []).append(q.id)

    def find(self, row: Row, problems: Problems) -> str:
        """Return the id of the question that a row names, noting one that is missing, unknown or not clear."""
        name = problems.text(row, "question")
        if not name or name in self._ids:
            return name
        same = self._texts.get(name, [])
        if len(same) == 1:
            return same[0]
        if same:
            problems.add(row, f"{len(same)} questions have this text; write one of their ids: {', '.join(same[:5])}", "question")
        else:
            near = "" if len(problems) else did_you_mean(name, [*self._ids, *self._texts])
            problems.add(row, f"the question set has no such id or text{near}; write an id of it, or leave the line out", "question")
        return ""


def _given(row: Row, name: str, documents: Mapping[str, Document], problems: Problems) -> Given:
    """Return a row's values; each that is ill-typed is noted and left out."""
    data = row.data
    for unknown in sorted(set(data) - set(KEYS)):
        problems.add(row, f"unknown key {unknown!r}{did_you_mean(unknown, list(KEYS))}; known keys: {', '.join(KEYS)}", "question")
    reader = _Reader(row, documents, problems)
    numbers = {k: reader.number(k) for k in ("latency_ms", *SPENT)}
    spent = {k: v for k in SPENT if (v := numbers[k]) is not None}
    ranking = tuple(reader.ranked(f"ranking[{i}]", item) for i, item in enumerate(reader.list("ranking"))) if data.get("ranking") is not None else None
    if ranking is not None and not data.keys() & {"answer", "contexts", "abstained", "citations"}:
        return Given(name, None, ranking=ranking, latency_ms=numbers["latency_ms"], spent=spent)
    for key in ("answer", "contexts"):
        if key not in data:
            problems.add(row, f"{key} is missing; write {_FORM}, or only a ranking", "question")
    if data.get("contexts", []) is None:
        problems.add(row, "contexts is null; write a list, empty where nothing was shown", "question")
    answer = reader.answer()
    abstained, detected = reader.abstained(answer)
    contexts = tuple(reader.context(f"contexts[{i}]", item) for i, item in enumerate(reader.list("contexts")))
    citations = tuple(reader.span(f"citations[{i}]", item) for i, item in enumerate(reader.list("citations")))
    return Given(name, answer, contexts, abstained, detected, citations, ranking, numbers["latency_ms"], spent)


class _Reader:
    """Reads the values of one row, noting what is wrong with them."""

    def __init__(self, row: Row, documents: Mapping[str, Document], problems: Problems) -> None:
        self._row, self._documents, self._problems = row, documents, problems

    def _note(self, what: str) -> None:
        self._problems.add(self._row, what, "question")

    def list(self, key: str) -> list[Any]:
        """Return the list under a key, empty when it is absent or null."""
        value = self._row.data.get(key)
        if value is None or isinstance(value, list):
            return value or []
        self._note(f"{key} is not a list; write a list")
        return []

    def number(self, key: str) -> float | None:
        """Return the number under a key, None when it is absent or null."""
        value = self._row.data.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
            self._note(f"{key} is {str(value)[:40]}; write a number of at least 0, or leave it out")
            return None
        return float(value)

    def answer(self) -> str:
        """Return the answer, empty for null."""
        value = self._row.data.get("answer")
        if value is None or (isinstance(value, str) and encodable(value)):
            return value or ""
        self._note("answer is not a text that UTF-8 can hold; write a string, or null where there was none")
        return ""

    def abstained(self, answer: str) -> tuple[str, bool]:
        """Return why the system declined, empty when it answered, and whether only the wording says so."""
        value = self._row.data.get("abstained")
        if not (value is None or isinstance(value, bool) or (isinstance(value, str) and encodable(value))):
            self._note(f"abstained is {ascii(value)[:40]}; write true, false, or the reason as a string")
            return "", False
        if not answer.strip():
            return (value if isinstance(value, str) and value.strip() else EMPTY_ANSWER), False
        if value is None:
            words = refusal(answer)
            return (f"it says: {words}" if words else ""), bool(words)
        if isinstance(value, str):
            return value.strip(), False
        return ("the system declined" if value else ""), False

    def context(self, where: str, item: Any) -> Shown:
        """Return one context: a text, a span, or a text with its document."""
        if isinstance(item, str) or (isinstance(item, dict) and item.keys() == {"doc_id", "text"}):
            text = item if isinstance(item, str) else item["text"]
            doc = None if isinstance(item, str) else self._document(where, item["doc_id"])
            if isinstance(text, str) and encodable(text):
                return Shown(text=text, doc=doc.id if doc else None)
            self._note(f"{where} is no text that UTF-8 can hold; write what was shown, or leave it out of the list")
            return Shown()
        span = self.span(where, item, ' or the text shown, or {"doc_id", "text"}')
        document = self._documents.get(span.doc_id)
        return Shown(span, document.text[span.start : span.end] if document else "")

    def ranked(self, where: str, item: Any) -> tuple[Span, float | None]:
        """Return one place of a ranking: a span, perhaps with its score, or all of a document that is named by its id."""
        if isinstance(item, str):
            document = self._document(where, item)
            return Span(item, 0, len(document.text) if document else 0), None
        score = item.get("score") if isinstance(item, dict) else None
        if score is not None and (isinstance(score, bool) or not isinstance(score, (int, float)) or not abs(score) < math.inf):
            self._note(f"{where}: the score is {str(score)[:40]}; write a number, or leave it out")
            score = None
        place = {k: v for k, v in item.items() if k != "score"} if isinstance(item, dict) else item
        return self.span(where, place, " or the id of a document"), score

    def span(self, where: str, item: Any, other: str = "") -> Span:
        """Return the span that an object says."""
        none = Span("", 0, 0)
        if not isinstance(item, dict) or item.keys() != {"doc_id", "start", "end"}:
            self._note(f"{where} is {str(item)[:60]!r}; {_SPAN}{other}")
            return none
        start, end, document = item["start"], item["end"], self._document(where, item["doc_id"])
        if document is None:
            return none
        whole = all(isinstance(n, int) and not isinstance(n, bool) for n in (start, end))
        if not whole or not 0 <= start < end <= len(document.text):
            self._note(f"{where}: start and end are {start!r} and {end!r}; give characters with 0 <= start < end <= {len(document.text)}")
            return none
        return Span(document.id, start, end)

    def _document(self, where: str, doc: Any) -> Document | None:
        found = self._documents.get(doc) if isinstance(doc, str) else None
        if found is None:
            near = near_id(doc, self._documents, self._problems) if isinstance(doc, str) else ""
            self._note(f"{where}: there is no document {str(doc)[:60]!r}{near}; use an id of the corpus")
        return found
