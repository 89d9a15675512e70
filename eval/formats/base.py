"""What travels between formats, and what a format is: nothing that a form cannot hold is dropped without being counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from eval.questions import Question
from eval.records import span_json, write_jsonl
from rag.errors import ConfigError, QuestionError
from rag.registry import did_you_mean
from rag.types import Document, Span

FORMATS = ("beir", "csv", "jsonl", "ragas", "squad", "trec")
_HOMES = {"csv": "tables"}  # a module `csv` would hide that of the standard library
Documents = Mapping[str, Document]


class Lost(Counter[str]):
    """What a form cannot hold, in plain words, with how often it was met."""

    def add(self, what: str, n: int = 1) -> None:
        """Count `n` more; nothing is noted for 0."""
        if n:
            self[what] += n


@dataclass(frozen=True)
class Asked:
    """A question between two forms: evidence is `{"doc", "start", "end"}`, or `{"doc", "quote"}` that nobody has looked up yet."""

    id: str
    text: str
    evidence: tuple[Mapping[str, Any], ...] = ()
    answers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    answerable: bool = True
    grades: Mapping[str, int] = field(default_factory=dict)
    distractors: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, q: Question) -> Asked:
        """Return a verified question."""
        return cls(q.id, q.text, tuple(map(place, q.evidence)), q.answers, q.tags, q.answerable, dict(q.grades), tuple(map(place, q.distractors)))

    @property
    def relevant(self) -> dict[str, int]:
        """The grade of every relevant document: 1 where only evidence says that it is."""
        return dict(self.grades) or {e["doc"]: 1 for e in self.evidence}

    def row(self) -> dict[str, Any]:
        """Return the question in the form of a question file."""
        body: dict[str, Any] = {"id": self.id, "text": self.text, "evidence": [dict(e) for e in self.evidence], "answers": list(self.answers)}
        extra = {"distractors": [dict(d) for d in self.distractors]} if self.distractors else {}
        return {**body, "tags": list(self.tags), "answerable": self.answerable, **extra}


@dataclass(frozen=True)
class Bundle:
    """What a file holds: questions, answers by system in the form that `rag-eval score` reads, documents, and what was lost on the way."""

    questions: tuple[Asked, ...] = ()
    answers: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    documents: tuple[Document, ...] = ()
    lost: Lost = field(default_factory=Lost)


@dataclass(frozen=True)
class Format:
    """A form: `read(files, documents)` gives a bundle, `write(bundle, documents, path)` the files it wrote. Documents are None without a corpus."""

    name: str
    read: Callable[[Sequence[Path], Documents | None], Bundle]
    write: Callable[[Bundle, Documents | None, Path, Lost], list[Path]]


def find(name: str) -> Format:
    """Return the format of that name. Raises `ConfigError` with the choices."""
    if name not in FORMATS:
        raise ConfigError(f"no format is called {name!r}{did_you_mean(name, list(FORMATS))}; there are: {', '.join(FORMATS)}")
    home = import_module(f"eval.formats.{_HOMES.get(name, name)}")
    return Format(name, home.read, home.write)


def place(span: Span) -> dict[str, Any]:
    """Return a span as evidence is written."""
    return {"doc": span.doc_id, "start": span.start, "end": span.end}


def shown(span: Span) -> dict[str, Any]:
    """Return a span as contexts are written."""
    return span_json(span)


def cut(evidence: Mapping[str, Any], documents: Documents | None) -> str | None:
    """Return the text of a place, None where it takes a corpus that is not there."""
    if "quote" in evidence:
        return str(evidence["quote"])
    if documents is None or evidence["doc"] not in documents:
        return None
    return documents[evidence["doc"]].text[evidence["start"] : evidence["end"]]


def one_file(files: Sequence[Path], what: str) -> Path:
    """Return the only file given. Raises `ConfigError` when there are several."""
    if len(files) != 1:
        raise ConfigError(f"{len(files)} files are given; name one: {what}")
    return files[0]


def text_of(file: Path) -> str:
    """Return a UTF-8 file as text, its byte order mark left out. Raises `QuestionError` when it cannot be read."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise QuestionError(f"{file} cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError as error:
        raise QuestionError(f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8") from None


def document_rows(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """Return documents as the lines of a BEIR `corpus.jsonl`."""
    return [{"_id": d.id, "title": d.title, "text": d.text, **({"metadata": json.loads(json.dumps(dict(d.meta)))} if d.meta else {})} for d in documents]


def write_rows(path: Path, rows: Sequence[Any]) -> Path:
    """Write JSON Lines, making the folder, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_jsonl(path, rows)
    return path


def need(documents: Documents | None, why: str) -> Documents:
    """Return the documents. Raises `ConfigError` that says why a corpus is needed."""
    if documents is None:
        raise ConfigError(f"{why}; give --corpus")
    return documents
