"""faithfulness: the share of the answer's claims that the context supports (ragas `Faithfulness`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.judges.base import Judge
from eval.metrics.base import metric
from eval.metrics.judged import JudgedMetric, UnscoredError, claims, facts, given_answer, support, supported
from eval.questions import Question
from eval.score import NOT_APPLICABLE, Fact, Result


@metric("faithfulness")
@dataclass(frozen=True)
class Faithfulness(JudgedMetric):
    """Supported claims over claims made (ragas divides by the verdicts that came back)."""

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return `supported / claims` and the verdicts."""
        made = claims(judge, given_answer(result))
        if not made:
            raise UnscoredError(NOT_APPLICABLE, "the answer makes no claim")
        judged = support(judge, made, result.sources, question.text)
        return supported(judged) / len(judged), facts(judged, "answer")
