"""abstention_accuracy: whether the system declined exactly where the question cannot be answered."""

from __future__ import annotations

from dataclasses import dataclass

from eval.judges.base import Judge
from eval.metrics.base import Metric, metric
from eval.questions import Question
from eval.score import Result, Score


@metric("abstention_accuracy")
@dataclass(frozen=True)
class AbstentionAccuracy(Metric):
    """1 when an answerable question was answered or an unanswerable one declined, else 0; every question has a value."""

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:  # part of the interface
        """Return 1 or 0."""
        return self.value(question, float(bool(result.abstained) != question.answerable))
