"""What retrievers share: ordering by descending score, ties by chunk id, fusion by rank, and the check of the legs of a fusion."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

from rag.stages import Retriever
from rag.types import Ranking, Step

Scored = Sequence[tuple[str, float]]


def best(scores: Mapping[str, float], limit: int) -> list[tuple[str, float]]:
    """Return the best `limit` ids with their scores, by (-score, id)."""
    return sorted(scores.items(), key=lambda s: (-s[1], s[0]))[:limit]


def ranking(use: str, start: float, scored: Scored, steps: Sequence[Step] = (), **more: object) -> Ranking:
    """Return a ranking with its trace step: ids, scores and `more`, no text; `start` is when the retriever began."""
    facts = {"hits": len(scored), "ids": [i for i, _ in scored], "scores": [s for _, s in scored], **more}
    return Ranking(tuple(scored), Step("retrieve", use, 1000 * (time.perf_counter() - start), facts, tuple(steps)))


def check_legs(of: tuple[Retriever, ...], weights: tuple[float, ...]) -> None:
    """Raise `ValueError` unless there is a leg, and as many finite, non-negative weights as legs when any are given."""
    if not of:
        raise ValueError("of: needs at least one retriever")
    if weights and len(weights) != len(of):
        raise ValueError(f"weights: {len(weights)} for {len(of)} retrievers; give one each or none")
    if not all(0 <= w < math.inf for w in weights) or (weights and not any(weights)):  # refuses NaN too
        raise ValueError("weights: must be finite and not negative, and one must be positive")


def fuse(rankings: Sequence[Sequence[str]], weights: Sequence[float], k: float) -> dict[str, float]:
    """Return the RRF score of every id in any ranking, `sum of weight / (k + rank)`; the same whatever the order of the rankings.

    Contributions are summed from the smallest up, so that floating-point addition does not depend on leg order.
    """
    shares: dict[str, list[float]] = {}
    for ids, weight in zip(rankings, weights, strict=True):
        for rank, i in enumerate(ids, start=1):
            shares.setdefault(i, []).append(weight / (k + rank))
    return {i: parts[0] if len(parts) == 1 else sum(sorted(parts)) for i, parts in shares.items()}
