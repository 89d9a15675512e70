"""How much of a text stands in few sentences of another, by words and their rarity: quick, and blind to meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from eval.judges.words import parse

WINDOW = 3  # sentences


@dataclass(frozen=True, slots=True)
class Held:
    """The share of a text's words, weighted by rarity, in characters `[start, end)` of context number `context`; which of its numbers are lacking there."""

    share: float
    context: int
    start: int
    end: int
    lacking: frozenset[str]


class Containment:
    """Words weighted by how rare they are in a corpus.

    Negations are not looked at: a veto on a negation that only one side has fired 40 times on the 247 claims of the reference answers
    of our own set, all of them right. A judge (`--judge`) may know better.
    """

    def __init__(self, texts: Sequence[str], language: str = "english") -> None:
        self.language, self._texts = language, len(texts)
        self._counts = Counter(unit for text in texts for unit in self.units(text))

    def _weight(self, unit: str) -> float:
        """Return BM25's idf, `ln(1 + (N - n + .5) / (n + .5))`, always positive."""
        n = self._counts[unit]
        return log(1 + (self._texts - n + 0.5) / (n + 0.5))

    def best(self, text: str, contexts: Sequence[str], known: str = "") -> Held | None:
        """Return the one to three neighbouring sentences that hold most of a text, the first of equals; None when nothing is held.

        Words of `known` count for neither side: those of the question, where the text is its answer.
        """
        units, required = self._wanted(text, known)
        total = sum(units.values())
        top: Held | None = None
        for i, context in enumerate(contexts):
            sentences = [(s, s.units) for s in parse(context, self.language)]
            for size in range(1, WINDOW + 1):
                for at in range(len(sentences) - size + 1):
                    shown = sentences[at : at + size]
                    held = frozenset[str]().union(*(u for _, u in shown))
                    share = sum(w for u, w in units.items() if u in held) / total if total else 0.0
                    if share > (top.share + 1e-9 if top else 0.0):
                        top = Held(share, i, shown[0][0].start, shown[-1][0].end, required - _spelled(held))
        return top

    def share(self, text: str, context: str, known: str = "") -> tuple[float, frozenset[str]]:
        """Return the share of a text's words that are anywhere in a context, and the numbers that are not."""
        units, required = self._wanted(text, known)
        total, held = sum(units.values()), self.units(context)
        return (sum(w for u, w in units.items() if u in held) / total if total else 0.0), required - _spelled(held)

    def _wanted(self, text: str, known: str) -> tuple[dict[str, float], frozenset[str]]:
        """Return the weight of each unit of a text that is not known (of all, where all are), and the numbers that it is held to."""
        given, wanted = self.units(known), self.units(text)
        required = frozenset(n for s in parse(text, self.language) for n in s.numbers if "#" + n in s.units) - _spelled(given)
        return {u: self._weight(u) for u in sorted(wanted - given or wanted)}, required

    def units(self, text: str) -> frozenset[str]:
        """Return the stemmed content words of a text, and its numbers each behind a `#`."""
        return frozenset[str]().union(*(s.units for s in parse(text, self.language)))


def _spelled(units: frozenset[str]) -> frozenset[str]:
    return frozenset(u[1:] for u in units if u[0] == "#")
