"""What is said below a table of means: whose mean is of other questions than the others'."""

from __future__ import annotations

from typing import Any

from eval.leaderboard_notes import notes


def summary(**not_applicable: int) -> dict[str, Any]:
    """Return a run of 30 questions in which a metric does not apply to so many answers of each system, and has a value for all others."""
    configs = {}
    for name, n in not_applicable.items():
        figures = {"n": 30, "scored": 30 - n, "missing": {"not_applicable": n}, "covered": True, "worst": 1.0, "best": 1.0, "marked": 0, "clusters": 30 - n}
        rest = {"chat": {"completions": 0}, "recorded": False, "over_limit": {}, "not_indexed": [], "context": {"cut": 0}, "chunks": None}
        configs[name] = {"metrics": {"token_f1": figures}, **rest}
    judged = {"line": "judge embedded: not certified", "warnings": []}
    return {
        "configs": configs, "questions": {"n": 30, "answerable": 25, "note": ""}, "corpus": {"documents": 15, "failed": []}, "judged": judged, "metrics": ["token_f1"],
    }  # fmt: skip


def test_a_mean_of_far_fewer_answers_than_elsewhere_is_said_to_be_of_other_questions() -> None:
    """A system that answers in a script that a metric does not read keeps a coverage of 100 %, and the mean of the one answer that was read."""
    found = [line for line in notes(summary(russian=29, english=5), ["token_f1"]) if "fewer" in line]
    assert found == ["  russian: applies to 1 of its answers, 24 fewer than elsewhere: its mean is of other questions; see scores.jsonl"]


def test_systems_that_a_metric_applies_to_alike_are_not_told_apart() -> None:
    """24 of 25 are 96 %, above the 95 % that are enough; 23 are not."""
    assert not [line for line in notes(summary(a=6, b=5), ["token_f1"]) if "fewer" in line]
    assert [line for line in notes(summary(a=7, b=5), ["token_f1"]) if "a: applies to 23 of its answers, 2 fewer" in line]
