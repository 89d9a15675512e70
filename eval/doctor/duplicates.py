"""Questions that ask the same, word for word or nearly: they count twice, and may contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eval.doctor.alike import meaning, sharing
from eval.doctor.findings import Checked, Finding, Severity, shortened
from eval.doctor.subject import Subject
from eval.doctor.words import negated, numbers, terms, words
from eval.questions import Question
from rag.errors import ConfigError, ModelError

NAME = "duplicates"
WORDS, COSINE = 0.8, 0.9  # from where on two questions are called near duplicates


def check(subject: Subject) -> Checked:
    """Return exact and near duplicates, each pair once."""
    questions = subject.questions
    plain = [words(q.text) for q in questions]
    first: dict[tuple[str, ...], int] = {}
    findings: list[Finding] = []
    heads: list[int] = []
    for i, key in enumerate(plain):
        if first.setdefault(key, i) == i:
            heads.append(i)
        else:
            findings.append(_exact(subject, questions[first[key]], questions[i]))
    near, figures = _near(subject, heads)
    return Checked([*findings, *near], {"exact": len(findings), "near": len(near), **figures})


def _exact(subject: Subject, a: Question, b: Question) -> Finding:
    same = (a.evidence, a.answers, a.answerable) == (b.evidence, b.answers, b.answerable)
    severity = Severity.WARNING if same else Severity.ERROR
    message = f"{a.id} and {b.id} are the same question{'' if same else ' with other evidence or answers'}: {shortened(a.text)!r}"
    fix = "remove one" if same else "keep one, with the evidence and answers of both that are right"
    return Finding(NAME, severity, message, b.id, subject.line(b.id), fix, {"other": a.id, "exact": True, "same": same})


def _near(subject: Subject, heads: list[int]) -> tuple[list[Finding], dict[str, Any]]:
    """Return the near duplicates among questions of unequal words, by shared words and, where there is an encoder, by meaning."""
    texts = [subject.questions[i].text for i in heads]
    found: dict[tuple[int, int], dict[str, float]] = {}
    for i, j, share in sharing([terms(t, subject.language) for t in texts], WORDS):
        found.setdefault((i, j), {})["jaccard"] = round(share, 3)
    figures: dict[str, Any] = {"encoder": subject.encoder or None}
    if subject.encoder and len(texts) > 1:
        try:
            rows = subject.runtime.embed(subject.encoder, texts, label="embed questions")
        except (ModelError, ConfigError) as error:
            figures = {"encoder": None, "left_out": f"meaning: {error}"}
        else:
            for i, j, cosine in meaning(rows, COSINE):
                found.setdefault((i, j), {})["cosine"] = round(cosine, 3)
    return list(_findings(subject, heads, found)), figures


def _findings(subject: Subject, heads: list[int], found: dict[tuple[int, int], dict[str, float]]) -> Iterator[Finding]:
    for (i, j), how in sorted(found.items()):
        a, b = subject.questions[heads[i]], subject.questions[heads[j]]
        differ = _difference(a.text, b.text)
        shown = ", ".join(f"{name} {value:.2f}" for name, value in how.items())
        message = f"{a.id} and {b.id} are nearly the same question ({shown}{differ and f'; {differ}'}): {shortened(a.text)!r} / {shortened(b.text)!r}"
        severity = Severity.NOTE if differ else Severity.WARNING
        yield Finding(NAME, severity, message, b.id, subject.line(b.id), "remove one unless they ask different things", {"other": a.id, "exact": False, **how})


def _difference(a: str, b: str) -> str:
    """Return why two like questions may well ask different things."""
    only = sorted(numbers(a) ^ numbers(b))
    if only:
        return f"numbers differ: {', '.join(only)}"
    return "one is negated" if negated(a) != negated(b) else ""
