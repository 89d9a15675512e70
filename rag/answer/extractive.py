"""Answers with sentences quoted from the context: no language model, nothing invented."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from rag.answer._abstention import ABSTENTION
from rag.index.reader import Reader
from rag.registry import register
from rag.scores import held_shares
from rag.stages import Answerer, bounded, model
from rag.text import analyzer, check_language, sentences
from rag.types import Answer, Context, Flag, Query, Span

FEWEST_WORDS = 3  # a shorter piece (a stray mark, a cell) says nothing on its own
_WORD = re.compile(r"\w+")
_NOT_PROSE = re.compile(r"#{1,6} |```|~~~|\|[\s:|-]+\|$|[-*_=]{3,}$")


@dataclass(frozen=True, slots=True)
class _Candidate:
    source: int
    span: Span
    text: str


@register("extractive")
@dataclass(frozen=True)
class Extractive(Answerer):
    """Quote the sentences of the context that answer best, each with the number of its source; abstain when none does.

    A sentence's support is `blend` times its cosine with the question plus `1 - blend` times the share of the question's
    terms it holds, weighted by their idf over the context. The best sentence must reach `threshold`; further ones, at
    most `quotes` in all, must reach `near` times the best. Only the `pool` sentences that hold most of the question's terms
    (of equal ones, those of the better source) are embedded. `blend: 0` needs no embedding model.
    """

    quotes: int = bounded(3, ge=1)
    threshold: float = bounded(0.2, ge=0, le=1)
    near: float = bounded(0.8, ge=0, le=1)
    blend: float = bounded(0.7, ge=0, le=1)
    pool: int = bounded(16, ge=1)
    language: str = "english"
    model: str | None = model("encoder")

    def __post_init__(self) -> None:
        """Check bounds and language."""
        super().__post_init__()
        check_language(self.language)

    def answer(self, query: Query, context: Context, reader: Reader) -> Answer:
        """Return quoted sentences with their spans as citations, or an abstention that gives its reason."""
        if not query.text.strip():
            return Answer(query.text, ABSTENTION, (), context, "the question is empty")
        if not analyzer(self.language).terms(query.text):
            return Answer(query.text, ABSTENTION, (), context, "the question has no word to look for")
        found = self._candidates(context)
        if not found:
            return Answer(query.text, ABSTENTION, (), context, "nothing was retrieved")
        found, scores = self._support(query.text, found, reader)
        order = sorted(range(len(found)), key=lambda i: (-scores[i], i))
        best = scores[order[0]]
        if best < self.threshold:
            return Answer(query.text, ABSTENTION, (), context, f"best support {best:.2f} is below {self.threshold:g}")
        chosen = [i for i in order[: self.quotes] if scores[i] >= self.near * best]
        text = " ".join(f"{' '.join(found[i].text.split())} [{found[i].source}]" for i in chosen)
        from rag.rendered import kinds, safe_answer  # its patterns take 10 ms to build, and a search shows no answer

        safe, removed = safe_answer(text, [found[i].text for i in chosen])
        flags = (Flag("removed", 0, len(safe), ", ".join(f"{n} {kind}" for kind, n in kinds(removed).items())),) if removed else ()
        return Answer(query.text, safe, tuple(found[i].span for i in chosen), context, flags=flags)

    def _candidates(self, context: Context) -> list[_Candidate]:
        found, seen = [], set()
        for number, hit in enumerate(context.hits, start=1):
            chunk = hit.chunk
            for a, b in sentences(chunk.text, self.language):
                span = Span(chunk.span.doc_id, chunk.span.start + a, chunk.span.start + b)
                if span not in seen and not _NOT_PROSE.match(chunk.text, a, b) and len(_WORD.findall(chunk.text, a, b)) >= FEWEST_WORDS:
                    seen.add(span)
                    found.append(_Candidate(number, span, chunk.text[a:b]))
        return found

    def _support(self, question: str, found: list[_Candidate], reader: Reader) -> tuple[list[_Candidate], list[float]]:
        """Return the candidates that were looked at and the support of each."""
        shares = held_shares(question, [c.text for c in found], self.language)
        if self.blend == 0:
            return found, shares
        pool = sorted(sorted(range(len(found)), key=lambda i: (-shares[i], i))[: self.pool])
        rows = reader.runtime.embed(self.model or "", [question, *(found[i].text for i in pool)])
        cosines = np.clip(rows[1:] @ rows[0], 0.0, 1.0)
        return [found[i] for i in pool], [self.blend * float(c) + (1 - self.blend) * shares[i] for i, c in zip(pool, cosines, strict=True)]
