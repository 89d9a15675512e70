"""What the embedded judge measures of a claim: how its tokens are met, how near the nearest sentence is, which words and numbers are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from eval.judges._candidates import Candidate, candidates
from eval.judges._frequencies import Frequencies
from eval.judges._tokens import cosine, met
from eval.judges.words import Sentence
from rag.models.encoder import Vectors

REACH = 1  # sentences on either side of the nearest one that belong to its passage


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its sentences, whose offsets are those of the text."""

    text: str
    sentences: tuple[Sentence, ...]

    def sentence(self, i: int) -> str:
        """Return the characters of sentence number `i`."""
        return self.text[self.sentences[i].start : self.sentences[i].end]


@dataclass(frozen=True, slots=True)
class Anchor:
    """The sentence that is nearest to a claim, and the first and last sentence of the passage around it that bears on the claim."""

    context: int
    sentence: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of a claim; each number is 0 to 1 and rises with support.

    `quarter` is the lower quartile, over the claim's tokens, of the greatest cosine to a token that was read; `cosine` that of the
    claim and its nearest sentence; `held` the share of its words, weighted by rarity, that all contexts together hold.
    `lacking` are its numbers that no context has, `elsewhere` those that are not in the passage; `turned` is whether the
    nearest sentence says it the other way round.
    """

    quarter: float
    cosine: float
    held: float
    lacking: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    turned: bool = False

    @property
    def veto(self) -> str:
        """Why the claim cannot be called supported however near the passage is; empty where nothing speaks against it."""
        missing = self.lacking or self.elsewhere
        if missing:
            return f"{'number' if len(missing) == 1 else 'numbers'} {', '.join(missing)} not there"
        return "negated on one side only" if self.turned else ""


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
    return Reading(text, claim, weights, tuple(candidates(claim, [c.sentences for c in contexts], weights)))


def measure(of: Reading, contexts: Sequence[Text], rows: Mapping[str, Vectors]) -> tuple[Features, Anchor | None]:
    """Return the features of a claim and the place that its verdict rests on, None when nothing was read. `rows` are those of the texts."""
    claim, own = of.claim, rows[of.text]
    there = frozenset[str]().union(*(claim.units & s.units for c in contexts for s in c.sentences))
    held = fsum(of.weights[u] for u in there) / (fsum(of.weights.values()) or 1.0)
    lacking = tuple(sorted(n for n in claim.numbers if "#" + n not in there))
    if not of.candidates:
        return Features(0.0, 0.0, held, lacking, lacking), None
    read = [rows[contexts[c.context].sentence(c.sentence)] for c in of.candidates]
    cosines = [max(0.0, cosine(own, r)) for r in read]
    each = [met(own, r) for r in read]
    at = max(range(len(read)), key=lambda i: (cosines[i] + of.candidates[i].share, -i))
    anchor = _passage(of, of.candidates[at], contexts)
    sentences = contexts[anchor.context].sentences
    near = frozenset[str]().union(*(s.mentioned for s in sentences[anchor.first : anchor.last + 1]))
    quarter = float(np.quantile(np.max(each, axis=0), 0.25)) if len(own) else 0.0
    elsewhere = tuple(sorted(claim.numbers - near))
    turned = _turned(claim, sentences[anchor.sentence])
    return Features(max(0.0, quarter), max(cosines), held, lacking, elsewhere, turned), anchor


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
