"""boundary_splits: the share of the question's evidence spans that no single chunk of the index holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from eval.judges.base import Judge
from eval.metrics.base import Metric, metric
from eval.questions import Question
from eval.score import Result, Score


@metric("boundary_splits")
@dataclass(frozen=True)
class BoundarySplits(Metric):
    """What chunking alone has lost: evidence that was cut in two, or left out, cannot be retrieved whole."""

    higher_is_better: ClassVar[bool] = False

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:  # part of the interface
        """Return `split spans / spans`, or `not_applicable` without an index or without evidence."""
        if not question.answerable:
            return self.not_applicable(question, "the question is unanswerable")
        if result.held is None:
            return self.not_applicable(question, "there is no index to look into")
        if not result.held:
            return self.not_applicable(question, "no evidence is named")
        return self.value(question, sum(not held for held in result.held) / len(result.held))
