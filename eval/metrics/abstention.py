"""abstention_accuracy, abstention_precision, abstention_recall: whether the system declined exactly where the question cannot be answered."""

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


@metric("abstention_precision")
@dataclass(frozen=True)
class AbstentionPrecision(Metric):
    """Of the questions declined, the share that is unanswerable."""

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:  # part of the interface
        """Return 1 or 0 for a question that was declined."""
        return self.value(question, float(not question.answerable)) if result.abstained else self.not_applicable(question, "the question was answered")


@metric("abstention_recall")
@dataclass(frozen=True)
class AbstentionRecall(Metric):
    """Of the unanswerable questions, the share that was declined."""

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:  # part of the interface
        """Return 1 or 0 for a question that cannot be answered."""
        return self.not_applicable(question, "the question is answerable") if question.answerable else self.value(question, float(bool(result.abstained)))
