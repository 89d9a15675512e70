"""latency_ms: wall time of one question through the whole pipeline, in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from eval.judges.base import Judge
from eval.metrics.base import Metric, metric
from eval.questions import Question
from eval.score import Result, Score


@metric("latency_ms")
@dataclass(frozen=True)
class Latency(Metric):
    """Milliseconds with the memo off; questions outside the timed sample have no value."""

    higher_is_better: ClassVar[bool] = False
    range: ClassVar[tuple[float, float | None]] = (0.0, None)

    def score(self, question: Question, result: Result, judge: Judge | None) -> Score:  # part of the interface
        """Return the time, or `not_applicable` for a question that was not timed."""
        if result.latency_ms is None:
            return self.not_applicable(question, "the question was not timed")
        return self.value(question, result.latency_ms)
