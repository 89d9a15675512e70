"""answer_relevancy: whether the answer speaks of what was asked.

A stand-in: ragas lets a model write questions that the answer would answer and compares those with the question.
Without a model this compares question and answer themselves, so values are lower than ragas' and not comparable to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.judges.base import Judge
from eval.metrics.base import metric
from eval.metrics.judged import JudgedMetric, given_answer, similarity
from eval.questions import Question
from eval.score import Fact, Result


@metric("answer_relevancy")
@dataclass(frozen=True)
class AnswerRelevancy(JudgedMetric):
    """`max(0, cosine(question, answer))`."""

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return the similarity of question and answer."""
        return similarity(judge, question.text, given_answer(result)), ()
