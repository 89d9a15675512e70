"""Which sentences of the contexts are worth reading for a claim: a filter by words, since the encoder is what takes time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.judges.words import Sentence

KEEP = 3  # sentences of one context that are read for a claim, at most
FLOOR = 0.25  # share of the claim's weight that a context's second and third sentence must hold to be read


@dataclass(frozen=True, slots=True)
class Candidate:
    """Sentence number `sentence` of context number `context`, and the share of the claim's weight that it holds, 0 to 1."""

    context: int
    sentence: int
    share: float


def candidates(claim: Sentence, contexts: Sequence[Sequence[Sentence]], weights: Mapping[str, float]) -> list[Candidate]:
    """Return the sentences to read, by context, best first.

    Each context gives its best sentence, and up to two more that hold enough; one of up to `KEEP` sentences gives all. What a context
    gives does not depend on the others, so another context only adds to what is read. `weights` are those of the claim's units.
    """
    total = sum(weights.values()) or 1.0
    found: list[Candidate] = []
    for i, context in enumerate(contexts):
        shares = [sum(weights[u] for u in sorted(claim.units & s.units)) / total for s in context]
        order = sorted(range(len(shares)), key=lambda k: (-shares[k], k))[:KEEP]
        short = len(context) <= KEEP
        found += [Candidate(i, k, shares[k]) for rank, k in enumerate(order) if short or (rank == 0 and shares[k] > 0) or shares[k] >= FLOOR]
    return found
