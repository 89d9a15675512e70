"""noise_sensitivity, noise_sensitivity_irrelevant: the share of the answer's claims that are wrong and come from the context (ragas)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from eval.judges.base import Judge, Label
from eval.metrics.base import metric
from eval.metrics.judged import NO_SOURCE, JudgedMetric, UnscoredError, answer_claims, by_source, reference, reference_claims, support, supported
from eval.questions import Question
from eval.score import NOT_APPLICABLE, Fact, Result


@dataclass(frozen=True)
class _NoiseSensitivity(JudgedMetric):
    """A source is relevant when it supports a claim of the first reference answer; a claim is wrong when that answer does not support it."""

    higher_is_better: ClassVar[bool] = False

    def judge(self, question: Question, result: Result, judge: Judge) -> tuple[float, Sequence[Fact]]:
        """Return the share of claims that `misled` says yes of, and what it rests on. Without a source nothing can mislead."""
        made, wanted = answer_claims(question, result, judge), reference_claims(question, judge)
        if not result.sources:
            raise UnscoredError(NOT_APPLICABLE, NO_SOURCE)
        right = [verdict.label is Label.SUPPORTED for _, verdict in support(judge, made, [reference(question)], question.text)]
        relevant = [supported(one) > 0 for one in by_source(judge, wanted, result.sources, question.text)]
        said = [[verdict.label is Label.SUPPORTED for _, verdict in one] for one in by_source(judge, made, result.sources, question.text)]
        evidence: list[Fact] = []
        hits = 0
        for i, claim in enumerate(made):
            useful, useless = (any(one[i] for one, rel in zip(said, relevant, strict=True) if rel is kind) for kind in (True, False))
            misled = not right[i] and self.misled(useful, useless)
            hits += misled
            evidence.append({"claim": claim.text, "right": right[i], "in_relevant": useful, "in_irrelevant": useless, "misled": misled})
        return hits / len(made), evidence

    @abstractmethod
    def misled(self, relevant: bool, irrelevant: bool) -> bool:
        """Whether a wrong claim counts, by whether a relevant and an irrelevant source support it."""


@metric("noise_sensitivity")
@dataclass(frozen=True)
class NoiseSensitivity(_NoiseSensitivity):
    """Wrong claims that a relevant source supports."""

    def misled(self, relevant: bool, irrelevant: bool) -> bool:
        """Return whether a relevant source supports it."""
        return relevant


@metric("noise_sensitivity_irrelevant")
@dataclass(frozen=True)
class NoiseSensitivityIrrelevant(_NoiseSensitivity):
    """Wrong claims that an irrelevant source supports and no relevant one does."""

    def misled(self, relevant: bool, irrelevant: bool) -> bool:
        """Return whether only irrelevant sources support it."""
        return irrelevant and not relevant
