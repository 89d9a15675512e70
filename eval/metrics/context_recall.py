"""context_recall: the share of the reference answer's claims that the context supports (ragas `ContextRecall`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.judges.base import Judge
from eval.metrics.base import metric
from eval.metrics.judged import JudgedMetric, facts, reference_claims, support, supported
from eval.questions import Question
from eval.score import Fact, Result


@metric("context_recall")
@dataclass(frozen=True)
class ContextRecall(JudgedMetric):
    """Claims of the first reference answer supported by the sources shown; 0 by definition when none was shown."""

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return `supported / reference claims` and the verdicts."""
        made = reference_claims(question, judge)
        if not result.sources:
            return 0.0, ()
        judged = support(judge, made, result.sources, question.text)
        return supported(judged) / len(judged), facts(judged, "reference")
