"""faithfulness: the share of the answer's claims that the context supports (ragas `Faithfulness`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from eval.judges.base import Judge
from eval.metrics.base import metric
from eval.metrics.judged import NO_SOURCE, JudgedMetric, answer_claims, facts, given_answer, share, support
from eval.questions import Question
from eval.score import Fact, Result


@metric("faithfulness")
@dataclass(frozen=True)
class Faithfulness(JudgedMetric):
    """Supported claims over claims made (ragas divides by the verdicts that came back); 0 without asking when no source was shown."""

    correctable: ClassVar[bool] = True

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return `supported / claims` and the verdicts."""
        given_answer(question, result)
        if not result.sources:
            return 0.0, (NO_SOURCE,)
        judged = support(judge, answer_claims(question, result, judge), result.sources, question.text)
        return share(judged), facts(judged, "answer")
