"""factual_precision, factual_recall, factual_correctness: answer and reference answer compared claim by claim."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from eval.judges.base import Judge
from eval.metrics.base import Metric, metric
from eval.metrics.judged import JudgedMetric, answer_claims, claims, facts, given_answer, reference, reference_claims, share, support
from eval.questions import Question
from eval.score import Fact, Result
from rag.errors import ConfigError


def f_beta(precision: float, recall: float, beta: float) -> float:
    """Return `(1 + beta^2) P R / (beta^2 P + R)`, 0 when either is 0: recall weighs `beta` times as much as precision."""
    weight = beta * beta
    return (1 + weight) * precision * recall / (weight * precision + recall) if precision and recall else 0.0


@metric("factual_precision")
@dataclass(frozen=True)
class FactualPrecision(JudgedMetric):
    """The share of the answer's claims that the first reference answer supports."""

    correctable: ClassVar[bool] = True

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return `supported / answer claims` and the verdicts."""
        made = answer_claims(question, result, judge)
        said = support(judge, made, [reference(question)], question.text)
        return share(said), facts(said, "answer")


@metric("factual_recall")
@dataclass(frozen=True)
class FactualRecall(JudgedMetric):
    """The share of the first reference answer's claims that the answer supports."""

    correctable: ClassVar[bool] = True

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return `supported / reference claims` and the verdicts."""
        answer = given_answer(question, result)
        covered = support(judge, reference_claims(question, judge), [answer], question.text)
        return share(covered), facts(covered, "reference")


@metric("factual_correctness")
@dataclass(frozen=True)
class FactualCorrectness(JudgedMetric):
    """F-beta of factual precision and recall, F1 without @; 0 for an answer that makes no claim.

    Precision is over the answer's claims and recall over the reference's. ragas 0.4.3 puts the answer's claims into both, and so
    gives a recall of .83 where an answer of five true claims covers one reference claim of two (its issue 1964).
    """

    cut: ClassVar[str] = "beta"
    beta: float = 1.0

    @classmethod
    def at(cls, cut: str) -> Metric:
        """Return F1, or F-beta for a number above 0. Raises `ConfigError` for anything else."""
        if cut and not (re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", cut) and float(cut) > 0):
            raise ConfigError(f"metric '{cls.use}@{cut}' needs a number above 0 after @; write {cls.use}@0.5 to weigh precision more, {cls.use}@2 for recall")
        return cls(float(cut or 1))

    @classmethod
    def spelling(cls) -> str:
        """Return the name; what stands after @ may be left out."""
        return f"{cls.use}[@{cls.cut}]"

    @property
    def name(self) -> str:
        """The name, with beta when it is not 1."""
        return self.use if self.beta == 1 else f"{self.use}@{self.beta:g}"

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return F-beta and the verdicts of both directions."""
        answer, expected = given_answer(question, result), reference(question)
        covered = support(judge, reference_claims(question, judge), [answer], question.text)
        said = support(judge, claims(judge, answer, question.text), [expected], question.text)
        value = f_beta(share(said), share(covered), self.beta) if said else 0.0
        return value, [*facts(said, "answer"), *facts(covered, "reference")]
