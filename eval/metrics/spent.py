"""prompt_tokens, completion_tokens, cost: what chat models were sent, sent back and charged for one question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from eval.judges.base import Judge
from eval.metrics.base import Metric, metric
from eval.questions import Question
from eval.score import Result, Score


@dataclass(frozen=True)
class _Spent(Metric):
    """One entry of `Result.spent`, under the metric's own name; of the pipeline only, not of the judge."""

    higher_is_better: ClassVar[bool] = False
    range: ClassVar[tuple[float, float | None]] = (0.0, None)

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:  # part of the interface
        """Return the amount, or `not_applicable` when it is unknown."""
        if result.spent is None or self.use not in result.spent:
            return self.not_applicable(question, "what was spent is not known")
        return self.value(question, float(result.spent[self.use]))


@metric("prompt_tokens")
@dataclass(frozen=True)
class PromptTokens(_Spent):
    """Tokens that chat models were sent."""


@metric("completion_tokens")
@dataclass(frozen=True)
class CompletionTokens(_Spent):
    """Tokens that chat models sent back."""


@metric("cost")
@dataclass(frozen=True)
class Cost(_Spent):
    """Money by the configured prices; 0 for models without a price."""
