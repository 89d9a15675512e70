"""span_recall, span_precision, span_iou: how the characters shown overlap with the characters of the evidence.

Both sides are sets of characters: what several chunks share is counted once. Chroma's published chunking figures
(Smith and Troynikov 2024) count the length of every retrieved chunk in the denominators of precision and IoU, overlaps
repeatedly; with overlapping chunks theirs are therefore lower than ours, and recall is the same.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from eval.intervals import length, shared
from eval.judges.base import Judge
from eval.metrics.base import Metric, metric
from eval.questions import Question
from eval.score import Result, Score


@dataclass(frozen=True)
class SpanMetric(Metric):
    """A metric of three lengths in characters: evidence, context shown, and what both hold."""

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:  # part of the interface
        """Return the overlap, or `not_applicable` where there is no evidence to overlap with."""
        if not question.answerable:
            return self.not_applicable(question, "the question is unanswerable")
        if not result.placed:
            return self.not_applicable(question, "the contexts have no place in the corpus")
        wanted, shown = length(question.evidence), length(result.context)
        if not wanted:
            return self.not_applicable(question, "no evidence is named")
        value = self.of(wanted, shown, shared(question.evidence, result.context))
        return self.not_applicable(question, "the context is empty") if value is None else self.value(question, value)

    @abstractmethod
    def of(self, wanted: int, shown: int, both: int) -> float | None:
        """Return the value, from characters of evidence (at least 1), of context, and of both; None when undefined."""


@metric("span_recall")
@dataclass(frozen=True)
class SpanRecall(SpanMetric):
    """The share of the evidence that is in the context; 0 for an empty context."""

    def of(self, wanted: int, shown: int, both: int) -> float | None:  # part of the interface
        """Return `both / wanted`."""
        return both / wanted


@metric("span_precision")
@dataclass(frozen=True)
class SpanPrecision(SpanMetric):
    """The share of the context that is evidence; an empty context has none."""

    def of(self, wanted: int, shown: int, both: int) -> float | None:  # part of the interface
        """Return `both / shown`."""
        return both / shown if shown else None


@metric("span_iou")
@dataclass(frozen=True)
class SpanIou(SpanMetric):
    """Intersection over union of context and evidence; 0 for an empty context."""

    def of(self, wanted: int, shown: int, both: int) -> float | None:
        """Return `both / (wanted + shown - both)`."""
        return both / (wanted + shown - both)
