"""context_precision: whether the useful sources come first (ragas `ContextPrecision` with a reference)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.judges.base import Judge
from eval.metrics.base import metric
from eval.metrics.judged import NO_SOURCE, Judged, JudgedMetric, by_source, reference, reference_claims, supported
from eval.questions import Question
from eval.score import Fact, Result


def average_precision(relevant: Sequence[bool]) -> float:
    """Return the mean precision at each relevant place, 0 when there is none: ragas' formula without its epsilon.

    The denominator is the relevant places found, not all there are, so this says how they are ordered, not how many.
    """
    hits, total = 0, 0.0
    for place, useful in enumerate(relevant, start=1):
        if useful:
            hits += 1
            total += hits / place
    return total / hits if hits else 0.0


def ordered(judged: Sequence[Judged]) -> tuple[float, list[Fact]]:
    """Return the average precision of sources, each relevant when it supports a claim, and which were relevant."""
    useful = [supported(one) > 0 for one in judged]
    return average_precision(useful), [{"source": i, "relevant": yes} for i, yes in enumerate(useful, start=1)]


@metric("context_precision")
@dataclass(frozen=True)
class ContextPrecision(JudgedMetric):
    """Average precision over the sources in the order shown.

    A source is relevant when it alone supports at least one claim of the first reference answer; evidence spans play
    no part (`span_precision` is for them). No source shown, or none relevant, is 0.
    """

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return the average precision, and which sources were relevant."""
        reference(question)
        if not result.sources:
            return 0.0, (NO_SOURCE,)
        return ordered(by_source(judge, reference_claims(question, judge), result.sources, question.text))
