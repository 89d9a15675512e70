"""The question in several wordings, each searched, fused by rank."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from rag.index.reader import Reader
from rag.models.chat import Completion, Request, facts
from rag.models.structured import structured
from rag.prompts import load as load_prompt
from rag.registry import register
from rag.retrieve._asking import distinct
from rag.retrieve._ranking import best, fuse, ranking
from rag.stages import Chat, Retriever, Space, bounded, model, prompt, required
from rag.types import Query, Ranking


class Rewordings(BaseModel):
    """The reply that is asked for."""

    questions: list[str]


@register("multi_query")
@dataclass(frozen=True)
class MultiQuery(Retriever):
    """What `over` finds for the question and for `n` rewordings of it, fused by RRF (RAG-Fusion: Rackauckas 2024).

    The original has `weight` against 1 for each rewording. A chunk that only one wording found gets `alone` times its score.
    Wordings that differ in case, space or punctuation alone are one; where no other is left, `over` is searched as it is. A
    blank question asks nothing.
    """

    over: Retriever
    n: int = bounded(3, ge=1, le=16)
    weight: float = bounded(1.0, gt=0)
    alone: float = bounded(0.5, ge=0, le=1)
    k: float = bounded(60.0, ge=0)
    max_tokens: int = bounded(512, ge=16)
    chat: Chat | None = model("chat")
    prompt: str = prompt("multi_query")
    limit: int = bounded(100, ge=1)

    def spaces(self) -> tuple[Space, ...]:
        """The spaces of the retriever within."""
        return self.over.spaces()

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return the fusion of what all wordings find. Raises `ChatError`."""
        start = time.perf_counter()
        rewordings, made = self._rewordings(query, reader)
        legs = [self.over.rank(q, reader) for q in (query, *map(query.instead, rewordings))]
        scored = list(legs[0].scored[: self.limit])
        if rewordings:
            scored = best(agreed([[i for i, _ in leg.scored] for leg in legs], (self.weight, *[1.0] * len(rewordings)), self.k, self.alone), self.limit)
        return ranking(self.use, start, scored, [leg.step for leg in legs], rewordings=rewordings, **facts(made))

    def _rewordings(self, query: Query, reader: Reader) -> tuple[list[str], list[Completion]]:
        if not query.text.strip():
            return [], []
        messages = load_prompt(self.prompt).messages(question=query.text, n=str(self.n))
        request = Request(messages, "multi_query", query.text, max_tokens=self.max_tokens)
        reply, made = structured(reader.runtime, required(self.chat, self.use), request, Rewordings)
        return distinct(reply.questions, [query.text])[: self.n], made


def agreed(rankings: Sequence[Sequence[str]], weights: Sequence[float], k: float, alone: float) -> dict[str, float]:
    """Return RRF scores, those of ids that only one ranking has times `alone`."""
    found_by = Counter(i for ids in rankings for i in ids)
    return {i: s * (alone if found_by[i] == 1 else 1.0) for i, s in fuse(rankings, weights, k).items()}
