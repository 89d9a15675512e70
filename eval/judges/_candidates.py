"""Which sentences of the contexts are read for a claim: a filter by words, since the encoder is what takes time."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from eval.judges.words import Sentence

MOST = 4  # sentences that are read for a claim


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its sentences, whose offsets are those of the text."""

    text: str
    sentences: tuple[Sentence, ...]

    def sentence(self, i: int) -> str:
        """Return the characters of sentence number `i`."""
        return self.text[self.sentences[i].start : self.sentences[i].end]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Sentence number `sentence` of context number `context`, and the share of the claim's weight that it holds, 0 to 1."""

    context: int
    sentence: int
    share: float


def candidates(claim: Sentence, contexts: Sequence[Text], weights: Mapping[str, float]) -> list[Candidate]:
    """Return the `MOST` sentences that hold most of a claim's weight, best first; of equal ones the shorter, then the earlier.

    The same sentence is read once. So a context that is added takes the place of a sentence only with one that holds as much of the
    claim or more. `weights` are those of the claim's units.
    """
    total = fsum(weights.values()) or 1.0
    shares: dict[str, tuple[float, int, int, int]] = {}
    for i, context in enumerate(contexts):
        for k, s in enumerate(context.sentences):
            share = fsum(weights[u] for u in claim.units & s.units) / total
            shares.setdefault(context.sentence(k), (-share, s.end - s.start, i, k))
    return [Candidate(i, k, -share) for share, _, i, k in heapq.nsmallest(MOST, shares.values())]
