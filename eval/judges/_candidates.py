"""Which sentences of the contexts are read for a claim: a filter by words, since the encoder is what takes time."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from eval.judges.words import Sentence

MOST = 4  # sentences that are read for a claim


@dataclass(frozen=True, slots=True)
class Candidate:
    """Sentence number `sentence` of context number `context`, and the share of the claim's weight that it holds, 0 to 1."""

    context: int
    sentence: int
    share: float


def candidates(claim: Sentence, contexts: Sequence[Sequence[Sentence]], weights: Mapping[str, float], most: int = MOST) -> list[Candidate]:
    """Return the sentences that hold most of a claim's weight, best first; of equal ones the shorter, then the earlier.

    So a context that is added takes the place of a sentence only by holding more of the claim. `weights` are those of the claim's units.
    """
    total = fsum(weights.values()) or 1.0
    ranked = (
        (-fsum(weights[u] for u in claim.units & s.units) / total, s.end - s.start, i, k) for i, context in enumerate(contexts) for k, s in enumerate(context)
    )
    return [Candidate(i, k, -share) for share, _, i, k in heapq.nsmallest(most, ranked)]
