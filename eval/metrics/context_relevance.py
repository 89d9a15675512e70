"""context_relevance: how far the sources shown help to answer the question, in the judge's own grades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.judges.base import Judge, Missing, Why
from eval.metrics.base import metric
from eval.metrics.judged import NO_SOURCE, JudgedMetric, failed, had
from eval.questions import Question
from eval.score import Fact, Result


def grades(judge: Judge, question: str, contexts: Sequence[str]) -> list[float]:
    """Return one grade in 0 to 1 per context. Raises `UnscoredError` when one is missing or out of range."""
    found = judge.relevance(question, contexts)
    if len(found) != len(contexts):
        raise failed(Missing(Why.COUNT_MISMATCH, f"{len(found)} grades for {len(contexts)} contexts"))
    graded = [had(grade) for grade in found]
    for grade in graded:
        if not 0 <= grade <= 1:
            raise failed(Missing(Why.OUT_OF_RANGE, f"a grade of {grade}"))
    return graded


@metric("context_relevance")
@dataclass(frozen=True)
class ContextRelevance(JudgedMetric):
    """The mean grade of the sources, each graded alone; 0 when none was shown.

    ragas' metric of this name grades all contexts at once, on a scale of three, and takes the mean of two prompts.
    """

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return the mean grade and the grades."""
        if not result.sources:
            return 0.0, (NO_SOURCE,)
        found = grades(judge, question.text, result.sources)
        return sum(found) / len(found), [{"source": i, "relevance": grade} for i, grade in enumerate(found, start=1)]
