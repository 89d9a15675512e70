"""What the checks look at: documents, questions, and what finds passages and judges claims, each made at first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eval.doctor.containment import Containment
from eval.doctor.finder import Finder
from eval.doctor.shelf import Shelf
from eval.judges.base import Judge
from eval.judges.make import make_judge
from eval.questions import Question
from rag.runtime import Runtime
from rag.types import Document, Span

WORDS = "words"  # in place of a judge


@dataclass(frozen=True)
class Subject:
    """A question set with its corpus. `encoder` names the model for meanings, empty for none; `run` is the folder of a run, or None."""

    documents: Mapping[str, Document]
    questions: Sequence[Question]
    lines: Mapping[str, int]
    shelf: Shelf
    runtime: Runtime
    judge_spec: str = WORDS
    encoder: str = ""
    language: str = "english"
    run: Path | None = None

    @cached_property
    def judge(self) -> Judge | None:
        """The judge, opened on the corpus; None where words alone decide (`containment`)."""
        return None if self.judge_spec == WORDS else make_judge(self.judge_spec, list(self.documents.values()), self.runtime)

    @cached_property
    def containment(self) -> Containment:
        """How much of a text stands in few sentences of another, by words alone."""
        return Containment([d.text for d in self.documents.values()], self.language)

    @cached_property
    def finder(self) -> Finder:
        """Keyword search over passages of the corpus."""
        return Finder(list(self.documents.values()), self.runtime, self.language)

    def line(self, question: str) -> int | None:
        """Return the line of a question."""
        return self.lines.get(question)

    def text(self, span: Span) -> str:
        """Return the text of a span."""
        return self.documents[span.doc_id].text[span.start : span.end]

    def evidence(self, question: Question) -> str:
        """Return all evidence of a question, a blank line between its spans."""
        return "\n\n".join(self.text(span) for span in question.evidence)

    def whole(self, span: Span) -> bool:
        """Return whether a span is its whole document, as BEIR has it."""
        return len(span) == len(self.documents[span.doc_id].text)


@contextmanager
def closing_finder(subject: Subject) -> Iterator[Subject]:
    """Close the subject's index at the end, where one was opened."""
    try:
        yield subject
    finally:
        finder = subject.__dict__.get("finder")
        if finder is not None:
            finder.close()
