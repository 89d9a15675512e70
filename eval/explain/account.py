"""The accounting: each character of evidence that did not arrive is put down to exactly one stage, so that the parts sum to the whole.

What is possible after a stage is what arrives when every later stage loses nothing and still adds what it added (an oracle in its
place). That can only shrink from stage to stage, also where a refiner widens hits: what a retriever missed and a later stage brought
back was no loss, and what then fell to the budget was lost there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eval.explain.sets import Spans, both, minus
from eval.intervals import length, union
from rag.types import Span

CORPUS, CHUNK, SEARCH, FUSION, PACK = "corpus", "chunk", "search", "fusion", "pack"
Measure = Literal["span_recall", "any_evidence", "all_evidence"]


@dataclass(frozen=True, slots=True)
class Reached:
    """A stage and the characters that are there after it."""

    stage: str
    spans: Spans


def lost(evidence: Sequence[Span], stages: Sequence[Reached], split: Sequence[Span] = ()) -> dict[str, Spans]:
    """Return the characters of evidence lost at each stage: disjoint, and together the evidence that the last stage does not have.

    `split` are spans of evidence that no single chunk holds. Where search or fusion has one part of such a span and not the other,
    the other is put down to `chunk`: whole, it would have come along.
    """
    before = union(evidence)
    found: dict[str, Spans] = {}
    for at, after in zip(stages, _possible(before, stages), strict=True):
        found[at.stage] = minus(before, after)
        before = after
    for at in stages:
        if at.stage in (SEARCH, FUSION) and CHUNK in found:
            torn = [span for span in split if both([span], at.spans)]
            found[CHUNK] = union([*found[CHUNK], *both(found[at.stage], torn)])
            found[at.stage] = minus(found[at.stage], torn)
    return found


def _possible(evidence: Spans, stages: Sequence[Reached]) -> list[Spans]:
    """Return for each stage the evidence that is there after it, or that a later stage adds."""
    found: list[Spans] = []
    later: Spans = ()
    for at in reversed(stages):
        later = union([*later, *both(evidence, at.spans)])
        found.append(later)
    return found[::-1]


def points(evidence: Sequence[Span], parts: Mapping[str, Sequence[Span]], solid: Sequence[Span], measure: Measure) -> tuple[dict[str, float], float]:
    """Return what each stage takes from a measure, and what is left; both together are 1.

    `span_recall` is the share of characters, `any_evidence` whether one is left that is no white space, `all_evidence` whether all of
    those are; `solid` are the characters of evidence that are no white space. `parts` are those of `lost`, in the order of the stages.
    """
    left, value = union(evidence), 1.0
    found: dict[str, float] = {}
    for stage, gone in parts.items():
        left = minus(left, gone)
        after = _value(evidence, left, solid, measure)
        found[stage], value = value - after, after
    return found, value


def _value(evidence: Sequence[Span], left: Sequence[Span], solid: Sequence[Span], measure: Measure) -> float:
    if measure == "span_recall":
        return length(left) / length(evidence)
    kept = length(both(left, solid))
    return float(kept > 0 if measure == "any_evidence" else kept == length(solid))


def first(parts: Mapping[str, Sequence[Span]], solid: Sequence[Span]) -> str:
    """Return the first stage that lost a character that is no white space, empty where none did."""
    return next((stage for stage, gone in parts.items() if both(gone, solid)), "")
