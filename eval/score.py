"""What was produced for one question, and what one metric says of it: a number, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag.types import Span

ABSTAINED = "abstained"
NOT_APPLICABLE = "not applicable"
JUDGE_FAILED = "judge failed"
TIMED_OUT = "timed out"
ANSWER_FAILED = "answer failed"
REASONS = (ABSTAINED, NOT_APPLICABLE, JUDGE_FAILED, TIMED_OUT, ANSWER_FAILED)

Fact = str | Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Result:
    """What one configuration produced for one question: the record that every metric reads.

    `ranking` is the list of the last refiner, best first; `context` the spans shown, `sources` the text of each
    numbered source shown; `abstained` is the reason for declining, empty when it answered.
    """

    question: str
    ranking: tuple[tuple[Span, float], ...] = ()
    context: tuple[Span, ...] = ()
    sources: tuple[str, ...] = ()
    context_tokens: int = 0
    answer: str = ""
    abstained: str = ""
    citations: tuple[Span, ...] = ()
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """One metric on one question. Without a value, `why` is one of `REASONS`, then perhaps a colon and a detail.

    With a value, `why` may hold a mark that readers should see ("list of 3 documents is shorter than 5").
    """

    question: str
    metric: str
    value: float | None
    why: str = ""
    evidence: tuple[Fact, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a number that is not one, and a missing value without one of the known reasons."""
        if self.value is None:
            if self.reason not in REASONS:
                raise ValueError(f"{self.metric} of {self.question!r} has no value and no known reason: {self.why!r}")
        elif not abs(self.value) < float("inf"):
            raise ValueError(f"{self.metric} of {self.question!r} is {self.value}; give None and a reason instead")

    @property
    def reason(self) -> str:
        """The reason without its detail; empty when there is a value."""
        return "" if self.value is not None else self.why.split(":", 1)[0]


def because(reason: str, detail: str = "") -> str:
    """Return the `why` of a missing score: one of `REASONS`, with a detail after a colon."""
    return f"{reason}: {detail}" if detail else reason
