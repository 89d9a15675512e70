"""Synthetic questions are told, more loudly where they stand among others."""

from eval.doctor import origins
from eval.doctor.findings import Severity

TEXTS = {"a": "one two three"}


def found(subject_of, row, *tags):
    rows = [row(f"q{i}", f"What {i}?", ("a", (0, 3)), tags=list(t)) for i, t in enumerate(tags)]
    return [(f.severity, f.facts) for f in origins.check(subject_of(TEXTS, rows)).findings]


def test_asked_questions_are_no_finding(subject_of, row):
    assert found(subject_of, row, [], ["numeric"]) == []


def test_synthetic_questions_alone_are_noted_and_mixed_ones_warned_of(subject_of, row):
    assert found(subject_of, row, ["synthetic"], ["synthetic", "cloze"]) == [(Severity.NOTE, {"synthetic": 2, "of": 2})]
    assert found(subject_of, row, ["synthetic"], ["numeric"]) == [(Severity.WARNING, {"synthetic": 1, "of": 2})]
