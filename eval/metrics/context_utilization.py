"""context_utilization: whether the sources that the answer used come first (ragas `ContextPrecisionWithoutReference`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.judges.base import Judge
from eval.metrics.base import metric
from eval.metrics.context_precision import ordered
from eval.metrics.judged import NO_SOURCE, JudgedMetric, answer_claims, by_source, given_answer
from eval.questions import Question
from eval.score import Fact, Result


@metric("context_utilization")
@dataclass(frozen=True)
class ContextUtilization(JudgedMetric):
    """Average precision over the sources in the order shown; one is used when it alone supports at least one claim of the answer.

    Needs no reference answer, so it cannot tell a right answer from a wrong one. No source shown, or none used, is 0.
    """

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return the average precision, and which sources were used."""
        given_answer(question, result)
        if not result.sources:
            return 0.0, (NO_SOURCE,)
        return ordered(by_source(judge, answer_claims(question, result, judge), result.sources, question.text))
