"""What the judged metrics share: claims and verdicts, with every failure of the judge turned into a reason."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar, TypeVar

from eval.judges.base import Claim, Judge, Judgement, Label, Missing, Why, verdicts
from eval.metrics.base import Metric
from eval.questions import Question
from eval.score import ABSTAINED, JUDGE_FAILED, NOT_APPLICABLE, OVER_BUDGET, TIMED_OUT, Fact, Result, Score

Judged = tuple[tuple[Claim, Judgement], ...]
T = TypeVar("T")
NO_SOURCE = "no source was shown"


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
            return self.none(question, f"{JUDGE_FAILED}({Why.ERROR})", "no judge was given")
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
    own = {Why.TIMED_OUT: TIMED_OUT, Why.OVER_BUDGET: OVER_BUDGET, Why.NOT_APPLICABLE: NOT_APPLICABLE}
    return UnscoredError(own.get(missing.why, f"{JUDGE_FAILED}({missing.why})"), missing.detail)


def had(found: T | Missing) -> T:
    """Return what a judge gave. Raises `UnscoredError` when it gave nothing."""
    if isinstance(found, Missing):
        raise failed(found)
    return found


def claims(judge: Judge, text: str, question: str) -> tuple[Claim, ...]:
    """Return the claims of a text that answers a question. Raises `UnscoredError` when the judge failed."""
    return had(judge.claims(text, question))


def support(judge: Judge, made: Sequence[Claim], contexts: Sequence[str], question: str) -> Judged:
    """Return each claim with its verdict. Raises `UnscoredError` when one is missing."""
    if not made:
        return ()
    return tuple(zip(made, had(verdicts(judge, made, contexts, question)), strict=True))


def by_source(judge: Judge, made: Sequence[Claim], sources: Sequence[str], question: str) -> tuple[Judged, ...]:
    """Return for each source what it alone says of the claims. Raises `UnscoredError` when a verdict is missing."""
    return tuple(support(judge, made, [source], question) for source in sources)


def cosine(judge: Judge, a: str, b: str) -> float:
    """Return the similarity of two texts, -1 to 1. Raises `UnscoredError` when the judge failed or gave no number."""
    found = had(judge.similarity(a, b))
    if not isfinite(found):
        raise failed(Missing(Why.OUT_OF_RANGE, f"a similarity of {found}"))
    return min(1.0, max(-1.0, found))


def similarity(judge: Judge, a: str, b: str) -> float:
    """Return the similarity held to 0 to 1: opposite vectors count as unlike. Raises `UnscoredError` as `cosine` does."""
    return max(0.0, cosine(judge, a, b))


def given_answer(question: Question, result: Result) -> str:
    """Return the answer. Raises `UnscoredError` for an abstention (right where nothing can be answered) or an empty answer."""
    if result.abstained and not question.answerable:
        raise UnscoredError(NOT_APPLICABLE, "declined, and the question is unanswerable")
    if result.abstained:
        raise UnscoredError(ABSTAINED)
    if not result.answer.strip():
        raise UnscoredError(ABSTAINED if question.answerable else NOT_APPLICABLE, "the answer is empty")
    return result.answer


def answer_claims(question: Question, result: Result, judge: Judge) -> tuple[Claim, ...]:
    """Return the claims of the answer. Raises `UnscoredError` as `given_answer` does, and where it makes none."""
    made = claims(judge, given_answer(question, result), question.text)
    if not made:
        raise failed(Missing(Why.NO_CLAIMS, "the answer makes no claim"))  # not the question's doing, so it counts as lost
    return made


def reference(question: Question) -> str:
    """Return the first reference answer. Raises `UnscoredError` where there is none."""
    if not question.answers:
        raise UnscoredError(NOT_APPLICABLE, "there is no reference answer" if question.answerable else "the question is unanswerable")
    return question.answers[0]


def reference_claims(question: Question, judge: Judge) -> tuple[Claim, ...]:
    """Return the claims of the first reference answer. Raises `UnscoredError` where there are none."""
    made = claims(judge, reference(question), question.text)
    if not made:
        raise UnscoredError(NOT_APPLICABLE, "the reference answer makes no claim")
    return made


def supported(judged: Judged) -> int:
    """Return how many claims are supported."""
    return sum(verdict.label is Label.SUPPORTED for _, verdict in judged)


def share(judged: Judged) -> float:
    """Return the share of claims that are supported; of none there is no share."""
    return supported(judged) / len(judged)


def facts(judged: Judged, of: str) -> list[dict[str, object]]:
    """Return the verdicts as evidence of a score; `of` says whose claims they are."""
    return [
        {
            "of": of,
            "claim": claim.text,
            "label": str(verdict.label),
            "score": verdict.score,
            "confidence": verdict.confidence,
            "rationale": verdict.rationale,
            "evidence": [[e.context, e.start, e.end] for e in verdict.evidence],
        }
        for claim, verdict in judged
    ]
