"""What a judge is: it splits texts into claims, says whether contexts support them, and how alike two texts are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

_MARKS = re.compile(r"\[\d{1,4}(?:, ?\d{1,4}){0,20}\]")


class Label(StrEnum):
    """What contexts say of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Claim:
    """One checkable statement. `start` and `end` are where it stands in the text it was taken from."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Characters `[start, end)` of context number `context`, counted from 0."""

    context: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one claim.

    `score` orders claims by support (higher is better supported; not a probability); `p` is a calibrated probability,
    None for a judge that has none. `evidence` is the passage the verdict rests on.
    """

    label: Label
    score: float | None = None
    p: float | None = None
    evidence: tuple[Evidence, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """A judgement that could not be had; `why` is a reason of `eval.score` or a detail of a judge's failure."""

    why: str


class Judge(Protocol):
    """Every judge, embedded or a model behind an endpoint. `identity` holds everything that can change a verdict."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """JSON values that name the judge, its version, its models and its parameters."""

    def claims(self, text: str) -> tuple[Claim, ...] | Missing:
        """Return the checkable statements of a text, in order."""

    def support(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement | Missing, ...]:
        """Return one verdict per claim, in the order of the claims."""

    def similarity(self, a: str, b: str) -> float | Missing:
        """Return how alike two texts are in meaning, -1 to 1."""


def verdicts(judge: Judge, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement, ...] | Missing:
    """Return one judgement per claim, or why the set is not complete.

    A judge that returns too few or too many verdicts has failed: no metric may divide by what happened to come back.
    """
    found = judge.support(claims, contexts, question)
    if len(found) != len(claims):
        return Missing(f"{len(found)} verdicts for {len(claims)} claims")
    for verdict in found:
        if isinstance(verdict, Missing):
            return verdict
    return tuple(verdict for verdict in found if isinstance(verdict, Judgement))


def ended(text: str) -> str:
    """Return the text with every citation mark turned into the end of a paragraph: what it marks is one claim."""
    return _MARKS.sub(lambda mark: "\n\n" + " " * (len(mark[0]) - 2), text)


def unmarked(text: str) -> str:
    """Return the text with citation marks such as `[1]` or `[2, 3]` blanked out; offsets stay what they were."""
    return _MARKS.sub(lambda mark: " " * len(mark[0]), text)
