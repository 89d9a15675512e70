"""Answers with sentences quoted from the context: no language model, nothing invented."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rag.answer._abstention import ABSTENTION
from rag.index.reader import Reader
from rag.registry import register
from rag.scores import held_shares
from rag.stages import Answerer, bounded, model
from rag.text import analyzer, check_language, sentences
from rag.types import Answer, Context, Flag, Query, Span

Vectors = NDArray[np.float32]
FEWEST_WORDS = 3  # a shorter piece (a stray mark, a cell) says nothing on its own
_WORD = re.compile(r"\w+")
_NOT_PROSE = re.compile(r"#{1,6} |```|~~~|\|[\s:|-]+\|$|[-*_=]{3,}$")


@dataclass(frozen=True, slots=True)
class _Candidate:
    source: int
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """The sentences that are looked at for a question and the share of its terms each holds; where there are none, why."""

    why: str
    found: tuple[_Candidate, ...] = ()
    shares: tuple[float, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The sentences."""
        return tuple(c.text for c in self.found)


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
        return self.together([(query, context)], reader)[0]()

    def together(self, asked: Sequence[tuple[Query, Context]], reader: Reader) -> list[Callable[[], Answer]]:
        """Return what gives each answer; the sentences of all of them are embedded in one call."""
        plans = [self._plan(query, context) for query, context in asked]
        texts = [t for query, plan in zip((q for q, _ in asked), plans, strict=True) if plan.found and self.blend for t in (query.text, *plan.texts)]
        rows = reader.runtime.embed(self.model or "", texts) if texts else np.empty((0, 0), dtype=np.float32)
        made: list[Callable[[], Answer]] = []
        at = 0
        for (query, context), plan in zip(asked, plans, strict=True):
            end = at + (1 + len(plan.found) if plan.found and self.blend else 0)
            made.append(partial(self._answer, query, context, plan, rows[at:end]))
            at = end
        return made

    def _plan(self, query: Query, context: Context) -> _Plan:
        """Choose the sentences that are looked at, with the share of the question's terms each holds; none with the reason."""
        if not query.text.strip():
            return _Plan("the question is empty")
        if not analyzer(self.language).terms(query.text):
            return _Plan("the question has no word to look for")
        found = self._candidates(context)
        if not found:
            return _Plan("nothing was retrieved")
        shares = held_shares(query.text, [c.text for c in found], self.language)
        pool = range(len(found)) if self.blend == 0 else sorted(sorted(range(len(found)), key=lambda i: (-shares[i], i))[: self.pool])
        return _Plan("", tuple(found[i] for i in pool), tuple(shares[i] for i in pool))

    def _answer(self, query: Query, context: Context, plan: _Plan, rows: Vectors) -> Answer:
        """Return the answer from what was planned; `rows` are the vectors of the question and of each sentence, none without `blend`."""
        if not plan.found:
            return Answer(query.text, ABSTENTION, (), context, plan.why)
        found, scores = plan.found, plan.shares
        if self.blend:
            cosines = np.clip(rows[1:] @ rows[0], 0.0, 1.0)
            scores = tuple(self.blend * float(c) + (1 - self.blend) * share for c, share in zip(cosines, plan.shares, strict=True))
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
