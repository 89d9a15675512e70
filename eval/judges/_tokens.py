"""Token vectors for the embedded judge: encoded in one call, the latest kept in memory, and how well one text's tokens are met by others'."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.models.encoder import Vectors
from rag.text import analyzer, encodable

Encode = Callable[[Sequence[str]], Sequence[Vectors]]
_WORD = re.compile(r"\w+")
_KEPT = 8192  # texts; in half precision, 25 tokens of 384 dimensions each, 160 MB
_READY = 512  # of them as they are reckoned with, 20 MB: the claims of a question are held against the same sentences again and again


@dataclass(frozen=True, slots=True)
class Rows:
    """One text: a unit row per token, the mean of the rows, and its length; both of the mean are nought where there is no row."""

    tokens: Vectors
    centre: NDArray[np.float64]
    norm: float

    @classmethod
    def of(cls, tokens: Vectors) -> Rows:
        """Return the rows with their mean."""
        centre = tokens.mean(axis=0, dtype=np.float64) if len(tokens) else np.zeros(tokens.shape[1:])
        return cls(tokens, centre, float(np.linalg.norm(centre)))


class Tokens:
    """Texts to one unit row per token. Not in the memo on disk: that would be 20 kB a sentence, and it holds the verdicts already."""

    def __init__(self, encode: Encode) -> None:
        """Take what encodes: see `rag.models.encoder.Encoder.token_vectors`."""
        self._encode = encode
        self._kept: OrderedDict[str, NDArray[np.float16]] = OrderedDict()
        self._ready: OrderedDict[str, Rows] = OrderedDict()

    def keep(self, texts: Iterable[str]) -> None:
        """Encode what is new of the texts, in one call."""
        fresh = sorted({t for t in texts if t not in self._kept}, key=lambda t: (len(t), t))
        rows = self._encode([encodable(t) for t in fresh]) if fresh else []
        self._kept |= {t: np.asarray(r, dtype=np.float16) for t, r in zip(fresh, rows, strict=True)}

    def __call__(self, texts: Sequence[str]) -> dict[str, Rows]:
        """Return the rows of each distinct text. What is new is encoded together, in an order that does not depend on that of `texts`."""
        wanted = dict.fromkeys(texts)
        self.keep(wanted)
        found: dict[str, Rows] = {}
        for text in wanted:
            if (rows := self._ready.pop(text, None)) is None:
                rows = Rows.of(self._kept[text].astype(np.float32))
            found[text] = self._ready[text] = rows
            self._kept.move_to_end(text)
        for kept, most in ((self._kept, _KEPT), (self._ready, _READY)):
            while len(kept) > most:
                kept.popitem(last=False)
        return found


def met(claim: Vectors, read: Sequence[Vectors]) -> Vectors:
    """Return for each token of a claim its greatest cosine to a token of what was read, shape `(tokens,)`, from 0; 0 where there is none."""
    there = np.concatenate(read) if read else claim[:0]
    if not len(claim) or not len(there):
        return np.zeros(len(claim), dtype=np.float32)
    return np.asarray(np.clip((claim @ there.T).max(axis=1), 0.0, 1.0), dtype=np.float32)


def cosine(a: Rows, b: Rows) -> float:
    """Return the cosine of the mean rows of two texts, 0 where either has none."""
    norm = a.norm * b.norm
    return float(a.centre @ b.centre) / norm if norm > 0 else 0.0


def rarity(text: str, pieces: Sequence[tuple[int, int]], tokens: int, weight: Callable[[str], float], language: str) -> Vectors:
    """Return one weight for each of `tokens` tokens of a text: that of the word it is a piece of, 0 for stop words and punctuation.

    `pieces` are the places of the tokens. All weigh the same where their places are not known or none weighs anything. A number
    weighs as much as a word that no text has.
    """
    terms = analyzer(language).terms
    of: dict[int, float] = {}
    for word in _WORD.finditer(text):
        heaviest = max(map(weight, terms(word[0])), default=0.0)
        of.update(dict.fromkeys(range(*word.span()), heaviest))
    weights = np.array([of.get(a, 0.0) for a, _ in pieces[:tokens]], dtype=np.float32)
    return weights if len(weights) == tokens and weights.any() else np.ones(tokens, dtype=np.float32)
