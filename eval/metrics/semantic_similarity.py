"""semantic_similarity: how alike answer and reference are in meaning (ragas `SemanticSimilarity`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.judges.base import Judge
from eval.metrics.base import metric
from eval.metrics.judged import JudgedMetric, given_answer, reference, similarity
from eval.questions import Question
from eval.score import Fact, Result


@metric("semantic_similarity")
@dataclass(frozen=True)
class SemanticSimilarity(JudgedMetric):
    """`max(0, cosine(answer, first reference answer))` of the judge's encoder. High for texts on one subject that say opposite things."""

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return the cosine, not below 0."""
        answer = given_answer(question, result)
        return similarity(judge, answer, reference(question)), ()
