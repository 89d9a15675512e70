"""Reads a review file back; what does not say clearly what is wanted is refused with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.question_problems import encodable, read_lines
from eval.synthesis.drafts import name_of, written
from eval.synthesis.marks import REVIEWED, SYNTHETIC
from rag.errors import QuestionError
from rag.registry import did_you_mean
from rag.types import Document, Span

_HEAD = re.compile(r"##\s+(\S+)\s*:\s*(\S*)\s*")
_LINE = re.compile(r"([A-Za-z]+)\s*:\s*(.*)")
_PLACE = re.compile(r"(.+) \[(\d{1,12}), (\d{1,12})\]")
_KEYS = ("question", "answer", "tags", "answerable", "evidence", "distractor")


@dataclass
class _Entry:
    """One question of the file while it is read; `lines` are where its parts stand."""

    id: str
    line: int
    keep: bool
    values: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    spans: list[tuple[str, int, Span, list[str]]] = field(default_factory=list)


@dataclass(frozen=True)
class Reviewed:
    """The rows that were kept, and how many were dropped and edited (their question differs from the one that their id was made of)."""

    rows: tuple[dict[str, Any], ...]
    dropped: int
    edited: int


class _Reader:
    def __init__(self, file: Path, documents: Mapping[str, Document]) -> None:
        self._file, self._documents = file, documents
        self.entries: list[_Entry] = []

    def fail(self, line: int, what: str) -> QuestionError:
        """Return the error of a line."""
        return QuestionError(f"{self._file} line {line}: {what}")

    def read(self) -> None:
        """Read every entry. Raises `QuestionError` for the first line that is none."""
        seen: dict[str, int] = {}
        for number, text in enumerate(read_lines(self._file), start=1):
            line = text.rstrip("\r").rstrip()
            if line.startswith("## ") or (line.startswith("##") and not line.startswith("###")):
                entry = self._head(number, line)
                if entry.id in seen:
                    raise self.fail(number, f"the id {entry.id} is on line {seen[entry.id]} already; remove one of the two")
                seen[entry.id] = number
                self.entries.append(entry)
            elif self.entries and line:
                self._part(self.entries[-1], number, line)

    def _head(self, number: int, line: str) -> _Entry:
        match = _HEAD.fullmatch(line)
        verdict = match[2].lower() if match else ""
        if match is None or verdict not in ("keep", "drop"):
            raise self.fail(number, f"{line[:80]!r} says neither keep nor drop; write `## ID: keep` or `## ID: drop`")
        return _Entry(match[1], number, verdict == "keep")

    def _part(self, entry: _Entry, number: int, line: str) -> None:
        if line.startswith(">"):
            if not entry.spans:
                raise self.fail(number, "a quotation stands before the line that says where it is from; put it back below `evidence:` or `distractor:`")
            entry.spans[-1][3].append(line[1:])
            return
        match = _LINE.fullmatch(line)
        key = match[1].lower() if match else ""
        if match is None or key not in _KEYS:
            near = did_you_mean(key, list(_KEYS)) if key else ""
            raise self.fail(number, f"{line[:80]!r} is no part of a question{near}; lines begin with {', '.join(k + ':' for k in _KEYS)} or `>`")
        if key in ("evidence", "distractor"):
            entry.spans.append((key, number, self._span(number, match[2]), []))
        else:
            entry.values.setdefault(key, []).append((number, " ".join(match[2].split())))

    def _span(self, number: int, text: str) -> Span:
        match = _PLACE.fullmatch(text)
        if match is None:
            raise self.fail(number, f"{text[:80]!r} is no place; write DOCUMENT [start, end] as it was, or drop the question")
        start, end = int(match[2]), int(match[3])
        document = self._documents.get(match[1])
        if document is None:
            raise self.fail(
                number, f"there is no document {match[1]!r}{did_you_mean(match[1], list(self._documents))}; give the corpus the questions were made from"
            )
        if not start < end <= len(document.text):
            raise self.fail(
                number, f"[{start}, {end}] lies outside {match[1]!r}, which has {len(document.text)} characters; give the corpus the questions were made from"
            )
        return Span(match[1], start, end)

    def row(self, entry: _Entry) -> dict[str, Any]:
        """Return the row of a question that is kept. Raises `QuestionError` where it is not whole."""
        line, text = self._only(entry, "question")
        tags = [t.strip() for t in self._only(entry, "tags")[1].split(",") if t.strip()]
        if SYNTHETIC not in tags:
            raise self.fail(entry.values["tags"][0][0], f"the tag {SYNTHETIC} is gone; put it back, it says where the question comes from")
        answerable = self._only(entry, "answerable")[1].lower()
        if answerable not in ("yes", "no"):
            raise self.fail(entry.values["answerable"][0][0], f"answerable is {answerable!r}; write yes or no")
        evidence = [self._checked(s) for s in entry.spans if s[0] == "evidence"]
        distractors = [self._checked(s) for s in entry.spans if s[0] == "distractor"]
        if bool(evidence) != (answerable == "yes"):
            raise self.fail(line, "a question is answerable if and only if it has evidence; put the lines back, or drop it")
        answers = [a for _, a in entry.values.get("answer", []) if a]
        found = {"id": entry.id, "text": text, "evidence": evidence, "answers": answers, "tags": list(dict.fromkeys([*tags, REVIEWED]))}
        return {**found, "answerable": answerable == "yes", **({"distractors": distractors} if distractors else {})}

    def _only(self, entry: _Entry, key: str) -> tuple[int, str]:
        values = entry.values.get(key, [])
        if len(values) != 1:
            where = values[1][0] if values else entry.line
            raise self.fail(where, f"question {entry.id} has {len(values) or 'no'} lines `{key}:`; write exactly one")
        if not values[0][1] or not encodable(values[0][1]):
            raise self.fail(values[0][0], f"`{key}:` is empty; fill it, or drop the question")
        return values[0]

    def _checked(self, part: tuple[str, int, Span, list[str]]) -> dict[str, Any]:
        """Return a passage as a row has it, after holding what the file quotes against the document."""
        key, line, span, shown = part
        there = self._documents[span.doc_id].text[span.start : span.end]
        if " ".join(" ".join(shown).split()) != " ".join(there.split()):
            raise self.fail(
                line, f"the {key} of {span.doc_id!r} is not what the file quotes: the document or the file changed; drop the question or put it back"
            )
        return written(span, self._documents)


def read_review(file: Path, documents: Mapping[str, Document]) -> Reviewed:
    """Return what a person kept of a review file, tagged as reviewed. Raises `QuestionError` with the first line that is garbled."""
    reader = _Reader(file, documents)
    reader.read()
    if not reader.entries:
        raise QuestionError(f"{file} holds no question; give the file that `rag-eval questions --review` wrote")
    kept = [e for e in reader.entries if e.keep]
    rows = tuple(reader.row(e) for e in kept)
    edited = 0
    for entry, made in zip(kept, rows, strict=True):
        spans = tuple(s for key, _, s, _ in entry.spans if key == "evidence") or tuple(s for _, _, s, _ in entry.spans)
        edited += name_of(made["text"], spans) != entry.id
    return Reviewed(rows, len(reader.entries) - len(kept), edited)
