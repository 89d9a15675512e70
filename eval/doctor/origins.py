"""Questions that nobody asked: said, so that they are never mixed with others in silence."""

from __future__ import annotations

from eval.doctor.findings import Checked, Finding, Severity
from eval.doctor.subject import Subject
from eval.synthesis.marks import SYNTHETIC, synthetic, synthetic_note

NAME = "synthetic"


def check(subject: Subject) -> Checked:
    """Return that questions are synthetic, as a warning where they stand among others."""
    count, n = synthetic(subject.questions), len(subject.questions)
    figures = {"synthetic": count, "of": n}
    if not count:
        return Checked((), figures)
    mixed = count < n
    fix = f"report them apart: they have the tag {SYNTHETIC}" if mixed else "let a person review them (rag-eval questions --review)"
    severity = Severity.WARNING if mixed else Severity.NOTE
    return Checked([Finding(NAME, severity, synthetic_note(subject.questions), fix=fix, facts=figures)], figures)
