"""exact_match, token_f1: answer and reference word by word, normalised as the SQuAD 2.0 evaluation does (Rajpurkar et al. 2018)."""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from eval.metrics.base import metric
from eval.metrics.overlap import Overlap

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def tokens(text: str) -> list[str]:
    """Return the words in lower case, without ASCII punctuation and without the English articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


@metric("exact_match")
@dataclass(frozen=True)
class ExactMatch(Overlap):
    """1 when the normalised answer is a normalised reference answer, else 0."""

    languages: ClassVar[tuple[str, ...] | None] = ("english",)

    def of(self, answer: str, reference: str) -> float:
        """Return 1 or 0."""
        return float(tokens(answer) == tokens(reference))


@metric("token_f1")
@dataclass(frozen=True)
class TokenF1(Overlap):
    """The harmonic mean of the shares of answer words and of reference words that the two have in common, repeats counted."""

    languages: ClassVar[tuple[str, ...] | None] = ("english",)

    def of(self, answer: str, reference: str) -> float:
        """Return `2 shared / (answer words + reference words)`; when one has no word at all, whether neither has."""
        said, wanted = tokens(answer), tokens(reference)
        if not said or not wanted:
            return float(said == wanted)
        return 2 * (Counter(said) & Counter(wanted)).total() / (len(said) + len(wanted))
