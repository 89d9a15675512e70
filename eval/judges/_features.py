"""What the embedded judge measures of a claim: how its tokens are met, how near the nearest sentence is, what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from eval.judges._candidates import Candidate, Text, candidates
from eval.judges._frequencies import Frequencies
from eval.judges._tokens import Rows, cosine, met
from eval.judges.words import Sentence
from rag.models.encoder import Vectors

ABOUT = 0.1  # share of the weight of a claim's words that a sentence must hold for its numbers to count as said of the same thing


@dataclass(frozen=True, slots=True)
class Anchor:
    """The sentence that is nearest to a claim, and the first and last sentence of the passage around it that bears on the claim."""

    context: int
    sentence: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of a claim.

    `met` (0 to 1) is the mean, over the claim's tokens weighted by rarity, of the greatest cosine to a token that was read; `cosine`
    (0 to 1) that of the claim and its nearest sentence. `lacking` are its numbers that stand in no sentence about it; `turned` is
    whether the nearest sentence says it the other way round, `alone` whether it denies something and the passage nothing.
    """

    met: float
    cosine: float
    lacking: tuple[str, ...] = ()
    turned: bool = False
    alone: bool = False

    @property
    def veto(self) -> str:
        """Why the claim cannot be called supported however near the passage is; empty where nothing speaks against it."""
        if self.lacking:
            return f"{'number' if len(self.lacking) == 1 else 'numbers'} {', '.join(self.lacking)} not there"
        if self.turned:
            return "negated on one side only"
        return "it denies something, and the passage does not" if self.alone else ""

    @property
    def opposed(self) -> bool:
        """Whether what speaks against it speaks of the same thing: a contradiction, where the rest is near."""
        return bool(self.lacking) or self.turned


@dataclass(frozen=True, slots=True)
class Reading:
    """A claim, the sentences that are to be read for it, and the weights of its units."""

    text: str
    claim: Sentence
    weights: Mapping[str, float]
    candidates: tuple[Candidate, ...]


def reading(text: str, claim: Sentence, contexts: Sequence[Text], frequencies: Frequencies) -> Reading:
    """Choose what is to be read for a claim."""
    weights = {unit: frequencies.weight(unit) for unit in sorted(claim.units)}
    return Reading(text, claim, weights, tuple(candidates(claim, contexts, weights)))


def measure(of: Reading, contexts: Sequence[Text], rows: Mapping[str, Rows], weights: Vectors) -> tuple[Features, Anchor | None]:
    """Return the features of a claim and the place that its verdict rests on, None when there is nothing to read.

    `rows` are the rows of the texts by text, `weights` one weight for each token of the claim.
    """
    claim, own = of.claim, rows[of.text]
    lacking = _lacking(of, contexts)
    if not of.candidates:
        return Features(0.0, 0.0, lacking), None
    read = [rows[contexts[c.context].sentence(c.sentence)] for c in of.candidates]
    cosines = [min(1.0, max(0.0, cosine(own, r))) for r in read]
    at = max(range(len(read)), key=lambda i: (cosines[i] + of.candidates[i].share, -i))
    anchor = _passage(of, of.candidates[at], contexts)
    weighted = float(np.average(met(own.tokens, [r.tokens for r in read]), weights=weights)) if len(own.tokens) else 0.0
    sentences = contexts[anchor.context].sentences
    alone = bool(claim.negations) and not any(s.denies for s in sentences[anchor.first : anchor.last + 1])
    return Features(weighted, max(cosines), lacking, _turned(claim, sentences[anchor.sentence]), alone), anchor


def _lacking(of: Reading, contexts: Sequence[Text]) -> tuple[str, ...]:
    """Return the claim's numbers that stand in no sentence which holds at least `ABOUT` of the weight of its words."""
    claim = of.claim
    enough = ABOUT * fsum(of.weights[t] for t in claim.terms)
    there: set[str] = set()
    for context in contexts if claim.numbers else ():
        for s in context.sentences:
            hit = claim.numbers & s.mentioned
            if hit and fsum(of.weights[t] for t in claim.terms & s.terms) >= enough:
                there |= hit
    return tuple(sorted(claim.numbers - there))


def _passage(of: Reading, best: Candidate, contexts: Sequence[Text]) -> Anchor:
    """Return the nearest sentence with those neighbours that hold a unit of the claim which it lacks."""
    sentences = contexts[best.context].sentences
    lacks = of.claim.units - sentences[best.sentence].units
    first = last = best.sentence
    if first and lacks & sentences[first - 1].units:
        first -= 1
        lacks -= sentences[first].units
    if last + 1 < len(sentences) and lacks & sentences[last + 1].units:
        last += 1
    return Anchor(best.context, best.sentence, first, last)


def _turned(claim: Sentence, sentence: Sentence) -> bool:
    """Whether a negation of words that both have stands on one side only."""
    both = claim.terms & sentence.terms
    here, there = (sum(not both.isdisjoint(reach) for reach in s.negations) for s in (claim, sentence))
    return (here - there) % 2 == 1
