"""The words of every document, indexed so that a passage can be found again: elsewhere, moved, or slightly changed."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log

from eval.doctor.words import Words, placed, words
from rag.types import Document, Span

ALIKE = 0.7  # share of a quote's words that a changed passage has to hold, and the other way round
_NEAR = 5  # documents that are read for a quote which is nowhere to be found word for word
_KEPT = 256  # documents whose words are held at once


@dataclass(frozen=True, slots=True)
class Place:
    """Where a passage is, and how alike it is: 1 for the same words in the same order."""

    span: Span
    alike: float


class Shelf:
    """The documents of a corpus by their words. The index is made at first use, in time linear in the corpus."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self.documents = documents
        self._words = lru_cache(maxsize=_KEPT)(lambda doc: placed(documents[doc].text))

    @cached_property
    def _postings(self) -> Mapping[str, list[int]]:
        """The documents, by number, that hold each word."""
        found: dict[str, list[int]] = defaultdict(list)
        for i, document in enumerate(self.documents.values()):
            for word in set(words(document.text)):
                found[word].append(i)
        return found

    @cached_property
    def _names(self) -> Sequence[str]:
        return list(self.documents)

    def frequency(self, word: str) -> int:
        """Return how many documents hold a word (in lower case)."""
        return len(self._postings.get(word, ()))

    def runs(self, quote: str, doc: str) -> list[Span]:
        """Return where a document holds the words of a quote in order, whatever case, punctuation and white space."""
        return list(_runs(words(quote), self._words(doc), doc))

    def elsewhere(self, quote: str, but: str, most: int = 5) -> list[Span]:
        """Return where other documents hold the words of a quote in order, one place in each, at most so many."""
        wanted = words(quote)
        found: list[Span] = []
        for doc in self._holding(wanted) if wanted else ():
            place = next(_runs(wanted, self._words(doc), doc), None) if doc != but else None
            if place and len(found) < most:
                found.append(place)
        return found

    def near(self, quote: str, doc: str) -> Place | None:
        """Return the passage of a document that is most like a quote, None when none is alike."""
        return _nearest(words(quote), self._words(doc), doc)

    def near_anywhere(self, quote: str) -> Place | None:
        """Return the passage most like a quote among the documents that share most of its rare words."""
        wanted = words(quote)
        weigh: dict[int, float] = defaultdict(float)
        for word in set(wanted):
            holders = self._postings.get(word, ())
            weight = log(1 + len(self._names) / len(holders)) if holders else 0.0
            for i in holders:
                weigh[i] += weight
        best = sorted(weigh, key=lambda i: (-weigh[i], i))[:_NEAR]
        places = [p for i in best if (p := _nearest(wanted, self._words(self._names[i]), self._names[i]))]
        return max(places, key=lambda p: p.alike, default=None)

    def _holding(self, wanted: Sequence[str]) -> list[str]:
        """Return the documents that hold every word, rarest word first."""
        rows = sorted((self._postings.get(w, []) for w in set(wanted)), key=len)
        held = rows[0]
        for row in rows[1:]:
            held = [i for i in held if _holds(row, i)]
        return [self._names[i] for i in held]


def _holds(row: Sequence[int], i: int) -> bool:
    """Return whether a sorted row has a number."""
    at = bisect_left(row, i)
    return at < len(row) and row[at] == i


def _runs(wanted: Sequence[str], text: Words, doc: str) -> Iterator[Span]:
    """Yield every run of the wanted words, by Knuth, Morris and Pratt: linear."""
    if not wanted:
        return
    back, k = [0] * len(wanted), 0
    for i in range(1, len(wanted)):
        while k and wanted[i] != wanted[k]:
            k = back[k - 1]
        k += wanted[i] == wanted[k]
        back[i] = k
    k = 0
    for i, word in enumerate(text.words):
        while k and (k == len(wanted) or word != wanted[k]):
            k = back[k - 1]
        k += word == wanted[k]
        if k == len(wanted):
            yield Span(doc, text.starts[i - k + 1], text.ends[i])


def _nearest(wanted: Sequence[str], text: Words, doc: str) -> Place | None:
    """Return the window of as many words that shares most with the wanted ones, drawn in to the first and last shared word.

    Linear: one window slides over the text. `alike` is twice the shared words over all words of both (Dice).
    """
    if not wanted or not text.words:
        return None
    budget, size = Counter(wanted), min(len(wanted), len(text.words))
    held: Counter[str] = Counter()
    shared, best, at = 0, 0, 0
    for i, word in enumerate(text.words):
        held[word] += 1
        shared += held[word] <= budget[word]
        if i >= size:
            gone = text.words[i - size]
            shared -= held[gone] <= budget[gone]
            held[gone] -= 1
        if shared > best:
            best, at = shared, max(0, i - size + 1)
    first, last = at, min(at + size, len(text.words)) - 1
    while first < last and text.words[first] not in budget:
        first += 1
    while last > first and text.words[last] not in budget:
        last -= 1
    alike = 2 * best / (len(wanted) + last - first + 1)
    return Place(Span(doc, text.starts[first], text.ends[last]), min(1.0, alike)) if alike >= ALIKE else None
