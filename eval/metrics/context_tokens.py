"""context_tokens: how many tokens the answerer was shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from eval.judges.base import Judge
from eval.metrics.base import Metric, metric
from eval.questions import Question
from eval.score import Result, Score


@metric("context_tokens")
@dataclass(frozen=True)
class ContextTokens(Metric):
    """Tokens of the context, as the packer counted them; fewer is cheaper."""

    higher_is_better: ClassVar[bool] = False
    range: ClassVar[tuple[float, float | None]] = (0.0, None)

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:  # part of the interface
        """Return the number of tokens."""
        return self.value(question, float(result.context_tokens))
