"""A judge without a model: a claim is supported when a few sentences of one context hold its words, its numbers and its polarity.

It sees words, not meaning: paraphrases in other words are missed and swapped roles are not noticed. It ranks human-labelled
claims only somewhat better than chance (AUROC .76 WiCE, .60 HealthVer, .61 FM2, .58 ExpertQA); do not print its scores beside
those of another judge without naming both.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.judges.base import Claim, Evidence, Judgement, Label, Missing, ended, unmarked
from eval.judges.words import Sentence, cut, parse, read

THRESHOLD = 0.6  # on RAGTruth .58 to .62 was best for answers and for summaries alike
WINDOW = 3
Encode = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True)
class Frequencies:
    """In how many of `texts` texts each term or number occurs: what makes a rare word weigh more."""

    texts: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, texts: Iterable[str], language: str = "english") -> Frequencies:
        """Count the terms and numbers of texts (documents of a corpus)."""
        counts: Counter[str] = Counter()
        total = 0
        for text in texts:
            total += 1
            found = read(text, 0, len(text), language)
            counts.update(found.terms | _marked(found.mentioned))
        return cls(total, dict(counts))

    def weight(self, unit: str) -> float:
        """Return BM25's idf, `ln(1 + (N - n + .5) / (n + .5))`, always positive."""
        n = self.counts.get(unit, 0)
        return log(1 + (self.texts - n + 0.5) / (n + 0.5))

    @property
    def digest(self) -> str:
        """Digest of the whole table (128 bits, hex)."""
        table = json.dumps([self.texts, sorted(self.counts.items())], ensure_ascii=False)
        return hashlib.blake2b(table.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class _Window:
    """The best place of one context for one claim: sentences `[first, last]`, shares found of all units and of words alone."""

    share: float
    words: float
    first: int
    last: int


class EmbeddedJudge:
    """Support by idf-weighted containment in the best window of 1 to 3 sentences, with vetoes on numbers and polarity."""

    version = 2

    def __init__(
        self,
        frequencies: Frequencies,
        encode: Encode,
        encoder: Mapping[str, Any],
        language: str = "english",
        threshold: float = THRESHOLD,
    ) -> None:
        """Take the document frequencies, a function from texts to unit vectors (one row each) and that encoder's identity."""
        self.frequencies, self.encode = frequencies, encode
        self.language, self.threshold = language, threshold
        self._digest, self._encoder = frequencies.digest, dict(encoder)

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name, version, parameters, table of frequencies and encoder."""
        settings = {"language": self.language, "threshold": self.threshold, "window": WINDOW}
        return {"use": "embedded", "version": self.version, **settings, "frequencies": self._digest, "encoder": self._encoder}

    def claims(self, text: str) -> tuple[Claim, ...]:
        """Return the sentences, without citation marks, that hold a content word or a number."""
        clean = ended(text)
        found = [Claim(_tidy(clean[a:b]), a, b) for a, b in cut(clean, self.language)]
        return tuple(claim for claim in found if any(not s.empty for s in parse(claim.text, self.language)))

    def similarity(self, a: str, b: str) -> float | Missing:
        """Return the cosine of the encoder's vectors, citation marks left out."""
        left, right = (np.asarray(row, dtype=np.float64) for row in self.encode([unmarked(a), unmarked(b)]))
        return float(left @ right)

    def support(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement | Missing, ...]:  # part of the interface
        """Return one verdict per claim; the question plays no part in it."""
        parsed = [parse(unmarked(context), self.language) for context in contexts]
        plain = [" ".join(context.split()) for context in contexts]
        return tuple(_quoted(claim, contexts, plain) or self._judge(_merged(parse(claim.text, self.language)), parsed) for claim in claims)

    def _judge(self, claim: Sentence, contexts: Sequence[tuple[Sentence, ...]]) -> Judgement:
        best: tuple[int, _Window] | None = None
        units = [*sorted(claim.terms), *sorted(_marked(claim.mentioned))]
        weights = [self.frequencies.weight(unit) for unit in units]
        for i, context in enumerate(contexts):
            window = _best_window(units, weights, len(claim.terms), context)
            if window and (best is None or window.share > best[1].share):
                best = i, window
        if best is None:
            return Judgement(Label.NOT_FOUND, 0.0, why="no word of it was found")
        i, window = best
        shown = contexts[i][window.first : window.last + 1]
        why = self._veto(claim, shown)
        evidence = (Evidence(i, shown[0].start, shown[-1].end),)
        if window.words < self.threshold:
            return Judgement(Label.NOT_FOUND, _lowered(window.share, why), evidence=evidence, why=why or "too few of its words were found")
        return Judgement(Label.CONTRADICTED if why else Label.SUPPORTED, _lowered(window.share, why), evidence=evidence, why=why)

    def _veto(self, claim: Sentence, shown: Sequence[Sentence]) -> str:
        """Return what the window says otherwise: a number that is not in it, or a negation on one side only."""
        lacking = claim.numbers - frozenset().union(*(s.mentioned for s in shown))
        if lacking:
            return f"number {', '.join(sorted(lacking))} is not there"
        closest = max(shown, key=lambda s: sum(self.frequencies.weight(t) for t in sorted(claim.terms & s.terms)))
        both = claim.terms & closest.terms
        here, there = (sum(not both.isdisjoint(reach) for reach in s.negations) for s in (claim, closest))
        return "negated on one side only" if (here - there) % 2 else ""


def _quoted(claim: Claim, contexts: Sequence[str], plain: Sequence[str]) -> Judgement | None:
    """Return that a claim is supported when a context holds it letter for letter, white space aside."""
    for i, text in enumerate(plain):
        if claim.text in text:
            at = contexts[i].find(claim.text)
            evidence = (Evidence(i, at, at + len(claim.text)),) if at >= 0 else (Evidence(i, 0, len(contexts[i])),)
            return Judgement(Label.SUPPORTED, 1.0, evidence=evidence, why="quoted")
    return None


def _best_window(units: Sequence[str], weights: Sequence[float], words: int, context: Sequence[Sentence]) -> _Window | None:
    """Return the window that holds most of the weight of `units` (the first `words` are words, the rest numbers).

    Of equally good windows the shortest, then the first. None when no sentence holds any.
    """
    masks = [_mask(units, sentence) for sentence in context]
    known: dict[int, float] = {0: 0.0}
    top, place = 0.0, (0, 0)
    for size in range(1, WINDOW + 1):
        for first in range(len(masks) - size + 1):
            mask = 0
            for m in masks[first : first + size]:
                mask |= m
            found = known.get(mask)
            if found is None:
                found = known[mask] = sum(w for bit, w in enumerate(weights) if mask >> bit & 1)
            if found > top:
                top, place = found, (first, first + size - 1)
    if not top:
        return None
    mask = 0
    for m in masks[place[0] : place[1] + 1]:
        mask |= m
    of_words = sum(w for bit, w in enumerate(weights[:words]) if mask >> bit & 1)
    share = top / sum(weights)
    return _Window(share, of_words / sum(weights[:words]) if words else share, *place)


def _mask(units: Sequence[str], sentence: Sentence) -> int:
    terms, mentioned = sentence.terms, sentence.mentioned
    return sum(1 << bit for bit, unit in enumerate(units) if (unit[1:] in mentioned if unit[0] == "#" else unit in terms))


def _lowered(share: float, veto: str) -> float:
    """Return the share, halved by a veto, so that scores order claims as labels do at any threshold above one half."""
    return share / 2 if veto else share


def _marked(numbers: Iterable[str]) -> frozenset[str]:
    """Return numbers under names that no term has."""
    return frozenset("#" + number for number in numbers)


def _tidy(text: str) -> str:
    """Return the text on one line, without the gaps that blanked-out marks leave."""
    return re.sub(r" ([.,;:!?])", r"\1", " ".join(text.split()))


def _merged(parts: Sequence[Sentence]) -> Sentence:
    """Return a claim as one sentence: another judge's claim may hold several."""
    if len(parts) == 1:
        return parts[0]
    sets = [frozenset[str]().union(*(getattr(p, name) for p in parts)) for name in ("terms", "numbers", "mentioned")]
    return Sentence(0, max((p.end for p in parts), default=0), sets[0], sets[1], sets[2], tuple(n for p in parts for n in p.negations))
