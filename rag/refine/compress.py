"""Contextual compression by quotation: of every hit only the sentences that matter, as spans."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.index.reader import Reader
from rag.refine._hits import covered, found, reshaped, without
from rag.registry import register
from rag.scores import held_shares, shares_of_best
from rag.stages import Refiner, bounded, model
from rag.text import check_language, sentences, trim
from rag.types import Found, Hit, Query, Span


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence of the hit at place `hit`; `follows` the one before it in the same hit, with nothing but white space between."""

    hit: int
    span: Span
    text: str
    follows: bool


@register("compress")
@dataclass(frozen=True)
class Compress(Refiner):
    """Keep of the first `depth` hits the sentences with at least `near` times the best support, each run of them a hit.

    Support is `prior` times the hit's score (as a share of the best; min-max where one is negative) and `1 - prior` times what
    the sentence itself has: `blend` times its cosine with the question and `1 - blend` times the share of the question's terms
    it holds, weighted by idf over the sentences looked at. Only the `pool` sentences that are best without their cosine are
    embedded and may stay; `blend: 0` embeds none. `top` caps how many sentences stay (0: no cap), `context` keeps as many on
    both sides of each within the same hit. Runs keep the score of their hit and its place; text that two hits share stays with
    the better. Nothing is written anew, so every citation stays a span of its document.
    """

    near: float = bounded(0.5, ge=0, le=1)
    blend: float = bounded(0.5, ge=0, le=1)
    prior: float = bounded(0.4, ge=0, le=1)
    pool: int = bounded(48, ge=1)
    top: int = bounded(0, ge=0)
    context: int = bounded(0, ge=0)
    depth: int = bounded(20, ge=1)
    language: str = "english"
    model: str | None = model("encoder")
    limit: int = bounded(60, ge=1)

    def __post_init__(self) -> None:
        """Check bounds and language; raises `ValueError`."""
        super().__post_init__()
        check_language(self.language)

    def refine(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Found:
        """Return runs of kept sentences with disjoint spans, at most `limit`; the step says how many characters stayed."""
        start = time.perf_counter()
        first = hits[: self.depth]
        all_ = self._sentences(first)
        stay = self._chosen(all_, self._support(query.text, all_, first, reader)) if all_ else []
        kept = self._runs(first, all_, stay, reader)[: self.limit]
        facts = {"sentences": len(all_), "kept": len(stay), "characters_in": sum(len(h.chunk.span) for h in first)}
        return found(self.use, start, len(hits), kept, **facts, characters=sum(len(h.chunk.span) for h in kept))

    def _sentences(self, hits: Sequence[Hit]) -> list[_Sentence]:
        """Return the sentences of all hits, without the characters that a better hit already has."""
        taken: dict[str, list[Span]] = defaultdict(list)
        made: list[_Sentence] = []
        for i, hit in enumerate(hits):
            chunk, doc, at = hit.chunk, hit.chunk.span.doc_id, hit.chunk.span.start
            near = [s for s in taken[doc] if s.overlap(chunk.span)]
            end = None  # of the sentence before in this hit
            for a, b in sentences(chunk.text, self.language):
                for span in without(Span(doc, at + a, at + b), near):
                    c, d = trim(chunk.text, span.start - at, span.end - at)
                    if c < d:
                        follows = end is not None and not covered(Span(doc, end, at + c), near)
                        made.append(_Sentence(i, Span(doc, at + c, at + d), chunk.text[c:d], follows))
                        end = at + d
            taken[doc].append(chunk.span)
        return made

    def _support(self, question: str, all_: Sequence[_Sentence], hits: Sequence[Hit], reader: Reader) -> NDArray[np.float64]:
        """Return the support of each sentence, in [0, 1]; -1 of one that is not in the pool."""
        shares = np.array(held_shares(question, [s.text for s in all_], self.language))
        scores = np.array(shares_of_best([h.score for h in hits]))[[s.hit for s in all_]]
        support = (1 - self.prior) * (1 - self.blend) * shares + self.prior * scores
        if self.blend:
            pool = np.argsort(-support, kind="stable")[: self.pool]
            rows = reader.runtime.embed(self.model or "", [question, *(all_[i].text for i in pool)], label="")
            cosines = np.clip(rows[1:] @ rows[0], 0.0, 1.0)
            support, before = np.full(len(all_), -1.0), support
            support[pool] = before[pool] + (1 - self.prior) * self.blend * cosines
        return np.asarray(support)

    def _chosen(self, all_: Sequence[_Sentence], support: NDArray[np.float64]) -> list[int]:
        """Return the places of the sentences that stay."""
        order = np.argsort(-support, kind="stable")
        best = [int(i) for i in order if support[i] >= max(0.0, self.near * support[order[0]])]
        stay = set(best[: self.top or None])
        for i in tuple(stay):
            around = range(max(0, i - self.context), min(len(all_), i + self.context + 1))
            stay |= {j for j in around if all_[j].hit == all_[i].hit}
        return sorted(stay)

    def _runs(self, hits: Sequence[Hit], all_: Sequence[_Sentence], stay: Sequence[int], reader: Reader) -> list[Hit]:
        """Return one hit per run of neighbouring sentences that stay, in the order of the hits and of their text."""
        runs: list[tuple[int, Span]] = []
        before = -2
        for i in stay:
            hit, span = all_[i].hit, all_[i].span
            if i == before + 1 and all_[i].follows:
                runs[-1] = (hit, Span(span.doc_id, runs[-1][1].start, span.end))
            else:
                runs.append((hit, span))
            before = i
        seen: set[int] = set()
        made = []
        for i, span in runs:
            made.append(reshaped(hits[i], span, reader, self.use, hits[i].chunk.parent, more=i in seen))
            seen.add(i)
        return made
