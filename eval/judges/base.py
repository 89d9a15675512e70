"""What a judge is: it splits texts into claims and says whether contexts support them; some judges can do more."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from rag.errors import ChatError
from rag.models.chat import Usage

_ENDS = re.compile(r"\[\d{1,4}(?:, ?\d{1,4}){0,20}\][.!?]?")
_MARKS = re.compile(r"\[\d{1,4}(?:, ?\d{1,4}){0,20}\]")


class Label(StrEnum):
    """What contexts say of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_FOUND = "not_found"


class Why(StrEnum):
    """Why a judgement is missing."""

    TIMED_OUT = "timed_out"
    OVER_BUDGET = "over_budget"
    NOT_APPLICABLE = "not_applicable"  # the judge cannot do this at all
    UNREADABLE = "unreadable"  # the text is in a script that the judge does not read
    NO_CLAIMS = "no_claims"
    UNREACHABLE = "unreachable"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    TOO_LONG = "too_long"
    COUNT_MISMATCH = "count_mismatch"
    OUT_OF_RANGE = "out_of_range"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Claim:
    """One checkable statement. `start` and `end` are where it stands in the text it was taken from, both 0 when it was reworded."""

    text: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Characters `[start, end)` of context number `context`, counted from 0."""

    context: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one claim.

    `score` orders claims by support (higher is better supported; not a probability); `confidence` is the probability, in 0 to 1,
    that the claim is supported, None for a judge that gives none. `evidence` is the passage the verdict rests on, `rationale` says
    why in words. `usage` is this claim's share of what the model was sent and sent back; a verdict from the memo keeps it.
    """

    label: Label
    score: float | None = None
    confidence: float | None = None
    evidence: tuple[Evidence, ...] = ()
    rationale: str = ""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Missing:
    """A judgement that could not be had: it is never an exception, a NaN, a 0 or a 1."""

    why: Why
    detail: str = ""

    @classmethod
    def of(cls, error: ChatError) -> Missing:
        """Return the failure of a chat model as a missing judgement."""
        known = {"timeout": Why.TIMED_OUT, "server": Why.UNREACHABLE, "disconnected": Why.UNREACHABLE, "rate_limited": Why.UNREACHABLE}
        why = known.get(error.why) or (Why(error.why) if error.why in set(Why) else Why.ERROR)
        return cls(why, " ".join(str(error).split())[:300])


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that a text would answer, written by a judge; `noncommittal` says that the text evades."""

    question: str
    noncommittal: bool = False


@dataclass(frozen=True, slots=True)
class Critique:
    """What a judge gives by a criterion: `score` on the scale that was asked for, with its reason."""

    score: float
    rationale: str = ""


@dataclass(frozen=True, slots=True)
class Preference:
    """Which of two answers a judge prefers, with both orders taken into account; `consistent` is whether the orders agreed.

    `first` and `second` count the askings in which the answer in that place was preferred: a judge without a bias has as many of each.
    """

    better: Literal["a", "b", "tie"]
    consistent: bool = True
    rationale: str = ""
    first: int = 0
    second: int = 0


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is about to be judged of one question: texts whose claims will be held against the contexts."""

    question: str
    texts: tuple[str, ...]
    contexts: tuple[str, ...]


class Judge(ABC):
    """Every judge. `support` and `claims` are what each has; what a judge cannot do is `Missing(NOT_APPLICABLE)`, said by the method.

    `threads` is how many questions may be judged at once; `languages` are the languages it reads, None for any.
    """

    threads: int = 1
    languages: tuple[str, ...] | None = None

    @property
    @abstractmethod
    def identity(self) -> Mapping[str, Any]:
        """JSON values that name the judge under `use`, its version, models, prompts, parameters and endpoint: all that can change a verdict."""

    @property
    def certified_as(self) -> Mapping[str, Any]:
        """The part of the identity that a certificate speaks of: without what comes from the corpus at hand."""
        return self.identity

    @abstractmethod
    def claims(self, text: str, question: str = "") -> tuple[Claim, ...] | Missing:
        """Return the checkable statements of a text, in order; `question` is what the text answers."""

    @abstractmethod
    def support(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement | Missing, ...]:
        """Return one verdict per claim, in the order of the claims, on what all contexts together say."""

    def ahead(self, asked: Sequence[Ahead]) -> None:
        """Read what is about to be judged, all of it at once: a judge that computes in batches is faster for it, and others do nothing."""
        return

    def together(self) -> AbstractContextManager[None]:
        """Return a block in which what is judged may be kept many at a time; at its end all of it is kept, however it ends."""
        return nullcontext()

    def similarity(self, a: str, b: str) -> float | Missing:
        """Return how alike two texts are in meaning, -1 to 1."""
        return self._cannot("compares no meanings")

    def asked(self, answer: str, contexts: Sequence[str], n: int) -> tuple[Asked, ...] | Missing:
        """Return `n` questions that the answer would answer."""
        return self._cannot("writes no questions")

    def entities(self, text: str) -> tuple[str, ...] | Missing:
        """Return the distinct entities that a text names, in the order of their first place."""
        return self._cannot("names no entities")

    def relevance(self, question: str, contexts: Sequence[str]) -> tuple[float | Missing, ...]:
        """Return for each context how far it helps to answer the question, 0 to 1."""
        return tuple(self._cannot("does not grade contexts") for _ in contexts)

    def critique(self, criterion: str, scale: Mapping[int, str], question: str, answer: str, contexts: Sequence[str]) -> Critique | Missing:
        """Return a score of the answer by a criterion; `scale` says what each allowed score means."""
        return self._cannot("judges by no criterion")

    def prefer(self, question: str, a: str, b: str, contexts: tuple[Sequence[str], Sequence[str]], reference: str = "") -> Preference | Missing:
        """Return which of two answers is better; `contexts` are what each was written from."""
        return self._cannot("compares no answers")

    def _cannot(self, what: str) -> Missing:
        return Missing(Why.NOT_APPLICABLE, f"the judge {self.identity['use']} {what}")


def verdicts(judge: Judge, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement, ...] | Missing:
    """Return one judgement per claim, or why the set is not complete.

    A judge that returns too few or too many verdicts has failed: no metric may divide by what happened to come back.
    """
    found = judge.support(claims, contexts, question)
    if len(found) != len(claims):
        return Missing(Why.COUNT_MISMATCH, f"{len(found)} verdicts for {len(claims)} claims")
    for verdict in found:
        if isinstance(verdict, Missing):
            return verdict
    return tuple(verdict for verdict in found if isinstance(verdict, Judgement))


def ended(text: str) -> str:
    """Return the text with every citation mark, and a stop behind it, turned into the end of a paragraph: what it marks is one claim."""
    return _ENDS.sub(lambda mark: "\n\n" + " " * (len(mark[0]) - 2), text)


def unmarked(text: str) -> str:
    """Return the text with citation marks such as `[1]` or `[2, 3]` blanked out; offsets stay what they were."""
    return _MARKS.sub(lambda mark: " " * len(mark[0]), text)
