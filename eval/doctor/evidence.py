"""Evidence that is found, and still may not be what was meant: cut words, passages that stand elsewhere too, spans that overlap."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from eval.doctor.findings import Checked, Finding, Severity, shortened
from eval.doctor.subject import Subject
from eval.doctor.words import words
from eval.questions import Question
from rag.types import Span

NAME = "evidence"
FEW = 4  # words: shorter passages recur by chance


def check(subject: Subject) -> Checked:
    """Return what is doubtful about the evidence of every question; evidence that is a whole document is not looked at."""
    findings: list[Finding] = []
    lengths: list[int] = []
    for question in subject.runtime.track(subject.questions, "evidence", len(subject.questions)):
        spans = [s for s in question.evidence if not subject.whole(s)]
        lengths += [len(s) for s in spans]
        for span in spans:
            findings += _span(subject, question, span)
        findings += _overlaps(subject, question, spans)
    figures = {"spans": sum(len(q.evidence) for q in subject.questions), "median_characters": median(lengths) if lengths else None}
    return Checked(findings, figures)


def _span(subject: Subject, question: Question, span: Span) -> Iterator[Finding]:
    text, shown = subject.documents[span.doc_id].text, shortened(subject.text(span))
    line, place = subject.line(question.id), {"doc": span.doc_id, "start": span.start, "end": span.end}
    if _inside(text, span.start) or _inside(text, span.end):
        a, b = _widened(text, span)
        message = f"evidence [{span.start}, {span.end}) of {span.doc_id!r} begins or ends inside a word: {shown!r}"
        fix = f"the offsets are those of another text, it seems; if the place is right, take [{a}, {b})"
        yield Finding(NAME, Severity.WARNING, message, question.id, line, fix, {**place, "cut": True, "widened": [a, b]})
    if len(words(shown)) < FEW:
        return
    here = subject.shelf.runs(subject.text(span), span.doc_id)
    if len(here) > 1:
        message = f"the words of the evidence stand {len(here)} times in {span.doc_id!r}: {shown!r}"
        facts = {**place, "places": [[s.start, s.end] for s in here]}
        yield Finding(NAME, Severity.WARNING, message, question.id, line, "name the other places as evidence too, or a longer quote", facts)
    named = {s.doc_id for s in question.evidence}
    others = [s for s in subject.shelf.elsewhere(subject.text(span), span.doc_id) if s.doc_id not in named]
    if others:
        ids = ", ".join(repr(s.doc_id) for s in others)
        message = f"the words of the evidence in {span.doc_id!r} stand in {ids} too, which would count as wrong: {shown!r}"
        facts = {**place, "others": [{"doc": s.doc_id, "start": s.start, "end": s.end} for s in others]}
        yield Finding(NAME, Severity.WARNING, message, question.id, line, "name them as evidence too, or remove the copy from the corpus", facts)


def _overlaps(subject: Subject, question: Question, spans: list[Span]) -> Iterator[Finding]:
    ordered = sorted(spans, key=lambda s: (s.doc_id, s.start, s.end))
    for a, b in pairwise(ordered):
        if a.doc_id == b.doc_id and b.start < a.end:
            message = f"two spans of evidence overlap in {a.doc_id!r}: [{a.start}, {a.end}) and [{b.start}, {b.end})"
            yield Finding(NAME, Severity.NOTE, message, question.id, subject.line(question.id), "merge them, what they share counts once", {"doc": a.doc_id})


def _inside(text: str, at: int) -> bool:
    """Return whether a place lies between two characters of one word."""
    return 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()


def _widened(text: str, span: Span) -> tuple[int, int]:
    start, end = span.start, span.end
    while _inside(text, start):
        start -= 1
    while _inside(text, end):
        end += 1
    return start, end
