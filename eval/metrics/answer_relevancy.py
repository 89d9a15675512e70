"""answer_relevancy: whether the answer speaks of what was asked (ragas `AnswerRelevancy`, with a stand-in for judges that write nothing)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from eval.judges.base import Judge, Missing, Why
from eval.metrics.base import metric
from eval.metrics.judged import JudgedMetric, cosine, failed, given_answer, had, similarity
from eval.questions import Question
from eval.score import Fact, Result

QUESTIONS = 3  # as many as ragas
STAND_IN = "stand-in: cosine of question and answer, since this judge writes no questions; lower than ragas' values and not comparable to them"


@metric("answer_relevancy")
@dataclass(frozen=True)
class AnswerRelevancy(JudgedMetric):
    """The mean cosine of the question and three questions that the answer would answer; 0 when all three are called noncommittal.

    A mean below 0 counts as 0. With a judge that writes no questions it is the cosine of question and answer, and its evidence says so.
    """

    version: ClassVar[int] = 2

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return the mean cosine, and the questions it is of."""
        answer = given_answer(question, result)
        found = judge.asked(answer, result.sources, QUESTIONS)
        if isinstance(found, Missing) and found.why is Why.NOT_APPLICABLE:
            return similarity(judge, question.text, answer), (STAND_IN,)
        asked = had(found)
        if len(asked) != QUESTIONS:
            raise failed(Missing(Why.COUNT_MISMATCH, f"{len(asked)} questions for {QUESTIONS}"))
        cosines = [cosine(judge, question.text, one.question) for one in asked]
        committal = not all(one.noncommittal for one in asked)
        facts = [{"asked": one.question, "cosine": c, "noncommittal": one.noncommittal} for one, c in zip(asked, cosines, strict=True)]
        return max(0.0, sum(cosines) / len(cosines)) * committal, facts
