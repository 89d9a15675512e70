"""Rows that people have labelled: whether an answer is supported by its contexts. Read strictly, and put into clusters by their source."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.question_problems import Problems, Row, encodable, read_rows
from rag.errors import QuestionError
from rag.fingerprint import key

FORM = '{"id", "question", "contexts": [text, ...], "answer", "supported": true or false}, perhaps with "slice" or "tags"'


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One answer with the contexts it is held against; `supported` is what people said. `groups` are its `slice` and its `tags`."""

    id: str
    question: str
    contexts: tuple[str, ...]
    answer: str
    supported: bool
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelSet:
    """The rows of one file; `name` is the file's name without its ending."""

    name: str
    rows: tuple[LabelledRow, ...]

    @property
    def digest(self) -> str:
        """Digest of all that a judge is shown and of the labels."""
        return key("labels", [[r.id, r.question, r.contexts, r.answer, r.supported, r.groups] for r in self.rows])


def read_labels(file: Path) -> LabelSet:
    r"""Return the rows of a JSON Lines file, split at "\\n" only. Raises one `QuestionError`: the first problem, and how many more there are."""
    if not file.is_file():
        raise QuestionError(f"{file}: there is no such file; give a JSON Lines file of labelled rows, one {FORM} per line")
    problems = Problems(file.name)
    rows: list[LabelledRow] = []
    lines: dict[str, int] = {}
    for row in read_rows(file, problems):
        found = _Reader(row, problems).row()
        if found is not None and found.id in lines:
            problems.note(f"{file.name} line {row.line}: the id {found.id!r} is on line {lines[found.id]} already; give every row an id of its own")
        elif found is not None:
            lines[found.id] = row.line
            rows.append(found)
    problems.check()
    if not rows:
        raise QuestionError(f"{file} holds no labelled rows; write one JSON object per line: {FORM}")
    return LabelSet(file.stem, tuple(rows))


def read_all(paths: Sequence[Path]) -> tuple[LabelSet, ...]:
    """Return the sets of several files. Raises `QuestionError` as `read_labels`, and for two files of one name."""
    sets = tuple(read_labels(path) for path in paths)
    for i, path in enumerate(paths):
        if sets[i].name in {s.name for s in sets[:i]}:
            raise QuestionError(f"{path}: another file of labels is called {sets[i].name!r} too; rename one")
    return sets


class _Reader:
    """Reads the values of one row, noting what is wrong with them."""

    def __init__(self, row: Row, problems: Problems) -> None:
        self._row, self._problems = row, problems

    def _note(self, what: str) -> None:
        name = self._row.data.get("id")
        who = f", row {name!r:.60}" if isinstance(name, (str, int)) and name != "" else ""
        self._problems.note(f"{self._problems.file} line {self._row.line}{who}: {what}")

    def row(self) -> LabelledRow | None:
        """Return the row, or None when it is not usable."""
        before = len(self._problems)
        name, answer, question = self._text("id"), self._text("answer"), self._text("question", empty=True)
        contexts = self._texts("contexts")
        supported = self._row.data.get("supported")
        if supported is None:
            self._note("supported is missing or null; write what a person said, true or false, or remove the line")
        elif not isinstance(supported, bool):
            self._note(f"supported is {_short(supported)}; write true or false")
        groups = (self._text("slice"), *self._texts("tags")) if "slice" in self._row.data else self._texts("tags", absent=True)
        if len(self._problems) > before:
            return None
        return LabelledRow(name, question, contexts, answer, bool(supported), tuple(dict.fromkeys(groups)))

    def _text(self, name: str, empty: bool = False) -> str:
        value = self._row.data.get(name, "" if empty else None)
        if isinstance(value, int) and not isinstance(value, bool) and name == "id":
            return str(value)
        if not isinstance(value, str) or not encodable(value):
            self._note(f"{name} is missing; add a string" if value is None else f"{name} is {_short(value)}; write a string of UTF-8 characters")
            return ""
        if not empty and not value.strip():
            self._note(f"{name} is empty; write a string or remove the line")
        return value

    def _texts(self, name: str, absent: bool = False) -> tuple[str, ...]:
        value = self._row.data.get(name, [] if absent or name == "tags" else None)
        if not isinstance(value, list) or not all(isinstance(v, str) and encodable(v) for v in value):
            self._note(f"{name} is missing; add a list of strings" if value is None else f"{name} is {_short(value)}; write a list of strings")
            return ()
        return tuple(value)


def _short(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=True)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def sources(rows: Sequence[LabelledRow]) -> list[int]:
    """Return the cluster of each row: rows that share a context or a question, directly or by way of others, have one source."""
    parent: dict[Any, Any] = {}

    def root(name: Any) -> Any:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for i, row in enumerate(rows):
        shared = [("context", c) for c in row.contexts if c.strip()] + [("question", row.question)] * bool(row.question.strip())
        for name in shared:
            parent[root(name)] = root(("row", i))
    numbers: dict[Any, int] = {}
    return [numbers.setdefault(root(("row", i)), len(numbers)) for i in range(len(rows))]
