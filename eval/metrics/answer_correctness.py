"""answer_correctness: whether the answer says what the reference says (ragas `AnswerCorrectness`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.judges.base import Judge
from eval.metrics.base import metric
from eval.metrics.judged import JudgedMetric, claims, facts, given_answer, reference, reference_claims, similarity, support, supported
from eval.questions import Question
from eval.score import Fact, Result

FACTS, MEANING = 0.75, 0.25  # ragas' default weights


def f1(tp: int, fp: int, fn: int) -> float:
    """Return `tp / (tp + (fp + fn) / 2)`, 0 when nothing is right (ragas gives 1 when nothing was said)."""
    return tp / (tp + 0.5 * (fp + fn)) if tp else 0.0


@metric("answer_correctness")
@dataclass(frozen=True)
class AnswerCorrectness(JudgedMetric):
    """`.75 F1 of claims + .25 cosine`, against the first reference answer.

    TP are answer claims that the reference supports, FP the other answer claims, FN reference claims that the answer
    does not support. A negative cosine counts as 0.
    """

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return the weighted sum and the verdicts of both directions."""
        answer, expected = given_answer(question, result), reference(question)
        wanted = reference_claims(question, judge)
        said = support(judge, claims(judge, answer, question.text), [expected], question.text)
        covered = support(judge, wanted, [answer], question.text)
        tp = supported(said)
        factual = f1(tp, len(said) - tp, len(covered) - supported(covered))
        return FACTS * factual + MEANING * similarity(judge, answer, expected), [*facts(said, "answer"), *facts(covered, "reference")]
