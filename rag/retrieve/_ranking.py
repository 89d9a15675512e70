"""What retrievers share: ordering by descending score, ties by chunk id, and the check of the legs of a fusion."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from rag.stages import Retriever
from rag.types import Found, Hit, Step


def ranked(scores: Mapping[str, float], hits: Mapping[str, Hit], limit: int, source: str) -> tuple[Hit, ...]:
    """Return the best `limit` chunks as hits that carry the given scores, by (-score, chunk id)."""
    order = sorted(scores, key=lambda i: (-scores[i], i))[:limit]
    return tuple(Hit(hits[i].chunk, scores[i], source) for i in order)


def pool(found: Iterable[Found]) -> dict[str, Hit]:
    """Return every hit of several rankings once, by chunk id; fusion never looks at text."""
    return {hit.chunk.id: hit for f in found for hit in f.hits}


def facts(hits: Sequence[Hit]) -> dict[str, object]:
    """Return what a trace keeps of a ranking: ids and scores, no text."""
    return {"hits": len(hits), "ids": [h.chunk.id for h in hits], "scores": [h.score for h in hits]}


def step(use: str, ms: float, hits: Sequence[Hit], steps: Sequence[Step] = (), **more: object) -> Step:
    """Return the trace step of a retriever."""
    return Step("retrieve", use, ms, {**facts(hits), **more}, tuple(steps))


def check_legs(of: tuple[Retriever, ...], weights: tuple[float, ...]) -> None:
    """Raise `ValueError` unless there is a leg, and as many finite, non-negative weights as legs when any are given."""
    if not of:
        raise ValueError("of: needs at least one retriever")
    if weights and len(weights) != len(of):
        raise ValueError(f"weights: {len(weights)} for {len(of)} retrievers; give one each or none")
    if not all(0 <= w < math.inf for w in weights) or (weights and not any(weights)):  # refuses NaN too
        raise ValueError("weights: must be finite and not negative, and one must be positive")
