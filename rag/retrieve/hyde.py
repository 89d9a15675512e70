"""Hypothetical document embeddings: vectors are searched for with passages that a chat model makes up."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from rag.index.reader import Reader
from rag.models.chat import Completion, Request, facts
from rag.prompts import load as load_prompt
from rag.registry import register
from rag.retrieve._asking import clean
from rag.retrieve._ranking import best, fuse, ranking
from rag.stages import Chat, Retriever, Space, bounded, model, prompt, required
from rag.types import Query, Ranking


@register("hyde")
@dataclass(frozen=True)
class Hyde(Retriever):
    """What `over` finds when its vector legs search for the mean of `n` made-up passages that would answer the question.

    Gao et al. 2023. `with_query` takes the question's own embedding into the mean, as they do. Keyword legs of `over` read the
    question alone. `keep` is a retriever that never sees the passages; its ranking is fused with that of `over` by RRF, with
    `weight` against 1, so that a name made up cannot take over. `temperature` is asked for when `n` is more than 1. A blank
    question asks nothing.
    """

    over: Retriever
    n: int = bounded(1, ge=1, le=32)
    with_query: bool = True
    keep: Retriever | None = None
    weight: float = bounded(1.0, gt=0)
    k: float = bounded(60.0, ge=0)
    temperature: float = bounded(0.7, ge=0, le=2)
    max_tokens: int = bounded(256, ge=16)
    chat: Chat | None = model("chat")
    prompt: str = prompt("hyde")
    limit: int = bounded(100, ge=1)

    def spaces(self) -> tuple[Space, ...]:
        """The spaces of the retrievers within."""
        return tuple(dict.fromkeys(s for r in (self.over, self.keep) if r is not None for s in r.spaces()))

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return what is found for the passages, fused with what the kept leg finds. Raises `ChatError`."""
        start = time.perf_counter()
        made = self._made(query, reader)
        passages = tuple(filter(None, (clean(c.text) for c in made)))
        legs = [self.over.rank(replace(query, passages=passages, with_text=self.with_query) if passages else query, reader)]
        scored = list(legs[0].scored[: self.limit])
        if self.keep is not None:
            legs.append(self.keep.rank(query.instead(query.text), reader))
            scored = best(fuse([[i for i, _ in leg.scored] for leg in legs], (1.0, self.weight), self.k), self.limit)
        return ranking(self.use, start, scored, [leg.step for leg in legs], passages=list(passages), **facts(made))

    def _made(self, query: Query, reader: Reader) -> list[Completion]:
        if not query.text.strip():
            return []
        messages = load_prompt(self.prompt).messages(question=query.text)
        warmth = self.temperature if self.n > 1 else None
        requests = [Request(messages, "hyde", query.text, sample, self.max_tokens, warmth) for sample in range(self.n)]
        return reader.runtime.complete(required(self.chat, self.use), requests)
