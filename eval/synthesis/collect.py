"""Gathers drafts that pass: filters, near duplicates, and whether a keyword search finds where they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from eval.doctor.alike import jaccard
from eval.doctor.finder import Finder
from eval.doctor.shelf import Shelf
from eval.doctor.words import terms, words
from eval.synthesis.drafts import Draft
from eval.synthesis.filters import refusal
from rag.types import Document

ALIKE = 0.8  # Jaccard similarity of content words
FOUND = 10  # documents a search may rank before one of the evidence


class Collection:
    """The drafts kept so far, in order, and why the others were refused, by kind and reason."""

    def __init__(self, documents: Mapping[str, Document], shelf: Shelf, finder: Finder, language: str) -> None:
        self.kept: list[Draft] = []
        self.refused: Counter[tuple[str, str]] = Counter()
        self._documents, self._shelf, self._finder, self._language = documents, shelf, finder, language
        self._texts: set[tuple[str, ...]] = set()
        self._terms: list[frozenset[str]] = []
        self._places: set[tuple[str, object]] = set()

    def add(self, draft: Draft) -> bool:
        """Keep a draft unless there is a reason against it, which is counted; returns whether it was kept."""
        reason = refusal(draft, self._documents, self._language) or self._copied(draft) or self._repeats(draft)
        if reason:
            self.refuse(draft.kind, reason)
            return False
        self._texts.add(words(draft.text))
        self._terms.append(terms(draft.text, self._language))
        self._places.add((draft.kind, draft.evidence))
        self.kept.append(replace(draft, hard=self._hard(draft)))
        return True

    def refuse(self, kind: str, reason: str) -> None:
        """Count a draft that came to nothing."""
        self.refused[kind, reason] += 1

    def of(self, kinds: Iterable[str]) -> int:
        """Return how many drafts of these kinds were kept."""
        wanted = set(kinds)
        return sum(d.kind in wanted for d in self.kept)

    def _copied(self, draft: Draft) -> str:
        """Return that another document says the same in the same words: it would count as wrong."""
        own = {s.doc_id for s in draft.evidence}
        for span in draft.evidence:
            quote = self._documents[span.doc_id].text[span.start : span.end]
            if any(s.doc_id not in own for s in self._shelf.elsewhere(quote, span.doc_id)):
                return "evidence stands in another document too"
        return ""

    def _repeats(self, draft: Draft) -> str:
        if words(draft.text) in self._texts or (draft.evidence and (draft.kind, draft.evidence) in self._places):
            return "duplicate"
        own = terms(draft.text, self._language)
        return "near duplicate" if any(jaccard(own, other) >= ALIKE for other in self._terms) else ""

    def _hard(self, draft: Draft) -> bool:
        """Return whether a keyword search for an answerable question ranks no document of its evidence near the top."""
        if not draft.answerable:
            return False
        found = self._finder.documents(draft.text)[:FOUND]
        return not {s.doc_id for s in draft.evidence} <= set(found)
