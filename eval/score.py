"""What was produced for one question, and what one metric says of it: a number, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rag.types import Span

ABSTAINED = "abstained"
NOT_APPLICABLE = "not_applicable"
JUDGE_FAILED = "judge_failed"  # followed by why in parentheses: judge_failed(truncated)
TIMED_OUT = "timed_out"
OVER_BUDGET = "over_budget"
ANSWER_FAILED = "answer_failed"
REASONS = (ABSTAINED, NOT_APPLICABLE, JUDGE_FAILED, TIMED_OUT, OVER_BUDGET, ANSWER_FAILED)
AGAIN = (JUDGE_FAILED, TIMED_OUT, OVER_BUDGET)
UNREADABLE, NO_CLAIMS = f"{JUDGE_FAILED}(unreadable)", f"{JUDGE_FAILED}(no_claims)"
LASTING = (UNREADABLE, NO_CLAIMS)  # failures that the text itself is the reason for

Fact = str | Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Result:
    """What one configuration produced for one question: the record that every metric reads.

    `ranking` is the list of the last refiner, best first; `context` the spans shown, `sources` the text of each
    numbered source shown; `abstained` is the reason for declining, empty when it answered. `ranked` and `placed` are False for an
    answer from elsewhere that came without a ranking, or with contexts that have no place in the corpus. `ages` are days by document,
    those without a date left out; `held` says of each span of the question's evidence whether one chunk of the index holds all of it,
    None where there is no index. `spent` is what chat models cost: `prompt_tokens`, `completion_tokens`, `cost`, None when unknown.
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
    ranked: bool = True
    placed: bool = True
    ages: Mapping[str, float] = field(default_factory=dict, hash=False)
    held: tuple[bool, ...] | None = None
    spent: Mapping[str, float] | None = field(default=None, hash=False)


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
            if self.reason.partition("(")[0] not in REASONS:
                raise ValueError(f"{self.metric} of {self.question!r} has no value and no known reason: {self.why!r}")
        elif not abs(self.value) < float("inf"):
            raise ValueError(f"{self.metric} of {self.question!r} is {self.value}; give None and a reason instead")

    @property
    def reason(self) -> str:
        """The reason without its detail; empty when there is a value."""
        return "" if self.value is not None else self.why.split(":", 1)[0]

    @property
    def open(self) -> bool:
        """Whether another run may find a value: the judge failed, took too long, or had spent its budget."""
        return self.value is None and self.reason.partition("(")[0] in AGAIN and self.reason not in LASTING


def because(reason: str, detail: str = "") -> str:
    """Return the `why` of a missing score: one of `REASONS`, with a detail after a colon."""
    return f"{reason}: {detail}" if detail else reason
