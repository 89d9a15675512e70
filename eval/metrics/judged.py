"""What the judged metrics share: claims and verdicts, with every failure of the judge turned into a reason."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from eval.judges.base import Claim, Judge, Judgement, Label, Missing, verdicts
from eval.metrics.base import Metric
from eval.questions import Question
from eval.score import ABSTAINED, JUDGE_FAILED, NOT_APPLICABLE, TIMED_OUT, Fact, Result, Score

Judged = tuple[tuple[Claim, Judgement], ...]


class UnscoredError(Exception):
    """Raised while a score is worked out, and caught in `JudgedMetric.score`: there is no value, for this reason."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class JudgedMetric(Metric):
    """A metric that asks a judge. One missing verdict withholds the score; it never becomes a 0 or a 1."""

    needs_judge: ClassVar[bool] = True

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:
        """Return the judged value, or the reason why there is none."""
        if judge is None:
            return self.none(question, JUDGE_FAILED, "no judge was given")
        try:
            value, evidence = self.judge(question, result, judge)
        except UnscoredError as missing:
            return self.none(question, missing.reason, missing.detail)
        return self.value(question, value, evidence=evidence)

    @abstractmethod
    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return the value and what it rests on. Raises `UnscoredError`."""


def failed(missing: Missing) -> UnscoredError:
    """Return a judge's failure as the reason of a score."""
    return UnscoredError(TIMED_OUT) if missing.why == TIMED_OUT else UnscoredError(JUDGE_FAILED, missing.why)


def claims(judge: Judge, text: str) -> tuple[Claim, ...]:
    """Return the claims of a text. Raises `UnscoredError` when the judge failed."""
    found = judge.claims(text)
    if isinstance(found, Missing):
        raise failed(found)
    return found


def support(judge: Judge, made: Sequence[Claim], contexts: Sequence[str], question: str) -> Judged:
    """Return each claim with its verdict. Raises `UnscoredError` when one is missing."""
    if not made:
        return ()
    found = verdicts(judge, made, contexts, question)
    if isinstance(found, Missing):
        raise failed(found)
    return tuple(zip(made, found, strict=True))


def similarity(judge: Judge, a: str, b: str) -> float:
    """Return the similarity held to 0 to 1: opposite vectors count as unlike. Raises `UnscoredError` when the judge failed."""
    found = judge.similarity(a, b)
    if isinstance(found, Missing):
        raise failed(found)
    return min(1.0, max(0.0, found))


def given_answer(result: Result) -> str:
    """Return the answer. Raises `UnscoredError` for an abstention or an empty answer."""
    if result.abstained:
        raise UnscoredError(ABSTAINED)
    if not result.answer.strip():
        raise UnscoredError(NOT_APPLICABLE, "the answer is empty")
    return result.answer


def reference_claims(question: Question, judge: Judge) -> tuple[Claim, ...]:
    """Return the claims of the first reference answer. Raises `UnscoredError` where there are none."""
    if not question.answers:
        raise UnscoredError(NOT_APPLICABLE, "there is no reference answer" if question.answerable else "the question is unanswerable")
    made = claims(judge, question.answers[0])
    if not made:
        raise UnscoredError(NOT_APPLICABLE, "the reference answer makes no claim")
    return made


def supported(judged: Judged) -> int:
    """Return how many claims are supported."""
    return sum(verdict.label is Label.SUPPORTED for _, verdict in judged)


def facts(judged: Judged, of: str) -> list[Fact]:
    """Return the verdicts as evidence of a score; `of` says whose claims they are."""
    return [
        {
            "of": of,
            "claim": claim.text,
            "label": str(verdict.label),
            "score": verdict.score,
            "why": verdict.why,
            "evidence": [[e.context, e.start, e.end] for e in verdict.evidence],
        }
        for claim, verdict in judged
    ]
