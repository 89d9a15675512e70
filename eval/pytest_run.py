"""A finished run as tests see it: scores by metric and question, with the reason where there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from eval.gate import Gate
from eval.gate_policy import Policy
from eval.metrics import parse
from eval.records import read_scores
from eval.score import NOT_APPLICABLE, Score
from rag.errors import ConfigError, StoreError
from rag.registry import did_you_mean


@dataclass(frozen=True)
class RagQuestion:
    """A question that a test is parametrised with."""

    id: str
    text: str
    tags: tuple[str, ...] = ()
    answerable: bool = True


@dataclass(frozen=True)
class RagRun:
    """One configuration, run: what `rag-eval run` wrote to `folder`. `gate` and `policy` are None without a baseline."""

    name: str
    folder: Path
    summary: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, Score]]
    gate: Gate | None = None
    policy: Policy | None = None

    def score(self, metric: str, question: str | RagQuestion) -> Score:
        """Return the score with its evidence. Raises `ConfigError` for a metric or question that the run has not got."""
        named = question.id if isinstance(question, RagQuestion) else question
        by = self._of(metric)
        if named not in by:
            raise ConfigError(f"the run has no question {named!r}{did_you_mean(named, list(by))}")
        return by[named]

    def value(self, metric: str, question: str | RagQuestion) -> float | None:
        """Return the value of a metric for a question (or its id), None where it has none; `why` says why."""
        return self.score(metric, question).value

    def why(self, metric: str, question: str | RagQuestion) -> str:
        """Return why there is no value, or the mark on the one there is; empty for a plain value."""
        return self.score(metric, question).why

    def mean(self, metric: str) -> float | None:
        """Return the mean over the questions that have a value, None when none has."""
        self._of(metric)
        found = self.summary["configs"][self.name]["metrics"][metric]["mean"]
        return None if found is None else float(found)

    def failed(self, metric: str, bound: float) -> list[str]:
        """Return the ids of questions that are worse than `bound`, or have no value though the metric applies to them."""
        return [q for q, s in self._of(metric).items() if _worse(s, bound, metric)]

    def expect(self, metric: str, question: str | RagQuestion, bound: float) -> None:
        """Fail the test when a question is worse than `bound` or lacks a value, and skip it when the metric does not apply."""
        score = self.score(metric, question)
        if score.reason == NOT_APPLICABLE:
            pytest.skip(f"{metric}: {score.why}")
        if _worse(score, bound, metric):
            pytest.fail(f"{metric} of {score.question} is {score.why if score.value is None else f'{score.value:g}'}, expected {bound:g}", pytrace=False)

    def _of(self, metric: str) -> Mapping[str, Score]:
        if metric not in self.scores:
            raise ConfigError(f"the run has no metric {metric!r}{did_you_mean(metric, list(self.scores))}; it has: {', '.join(self.scores)}")
        return self.scores[metric]


def _worse(score: Score, bound: float, metric: str) -> bool:
    if score.value is None:
        return score.reason != NOT_APPLICABLE
    return score.value < bound if parse(metric).higher_is_better else score.value > bound


def read_run(folder: Path, name: str, gate: tuple[Gate, Policy] | None) -> RagRun:
    """Return the run that lies in a folder. Raises `StoreError` when there is none."""
    by: dict[str, dict[str, Score]] = {}
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        for score in read_scores(folder / name):
            by.setdefault(score.metric, {})[score.question] = score
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{folder}: the run of {name} is missing or damaged; run again") from None
    return RagRun(name, folder, summary, by, *(gate or (None, None)))
