"""context_recall: the share of the reference answer's claims that the context supports (ragas `ContextRecall`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from eval.judges.base import Judge
from eval.metrics.base import metric
from eval.metrics.judged import NO_SOURCE, JudgedMetric, facts, reference, reference_claims, share, support
from eval.questions import Question
from eval.score import Fact, Result


@metric("context_recall")
@dataclass(frozen=True)
class ContextRecall(JudgedMetric):
    """Claims of the first reference answer supported by the sources shown; 0 without asking when none was shown."""

    correctable: ClassVar[bool] = True

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return `supported / reference claims` and the verdicts."""
        reference(question)
        if not result.sources:
            return 0.0, (NO_SOURCE,)
        judged = support(judge, reference_claims(question, judge), result.sources, question.text)
        return share(judged), facts(judged, "reference")
