"""A more general question beside the one that was asked."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rag.index.reader import Reader
from rag.models.chat import Completion, Request, facts
from rag.prompts import load as load_prompt
from rag.registry import register
from rag.retrieve._asking import distinct
from rag.retrieve._ranking import best, fuse, ranking
from rag.stages import Chat, Retriever, Space, bounded, model, prompt, required
from rag.types import Query, Ranking


@register("step_back")
@dataclass(frozen=True)
class StepBack(Retriever):
    """What `over` finds for the question and for a more general one, fused by RRF.

    Zheng et al. 2024 (step-back prompting). The general question has `weight` against 1 for the original. Where the model only
    repeats the question, or says nothing, `over` is searched as it is. A blank question asks nothing.
    """

    over: Retriever
    weight: float = bounded(0.5, gt=0)
    k: float = bounded(60.0, ge=0)
    max_tokens: int = bounded(128, ge=16)
    chat: Chat | None = model("chat")
    prompt: str = prompt("step_back")
    limit: int = bounded(100, ge=1)

    def spaces(self) -> tuple[Space, ...]:
        """The spaces of the retriever within."""
        return self.over.spaces()

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return the fusion of what both questions find. Raises `ChatError`."""
        start = time.perf_counter()
        made = self._made(query, reader)
        general = distinct([c.text for c in made], [query.text])
        legs = [self.over.rank(q, reader) for q in (query, *map(query.instead, general))]
        scored = list(legs[0].scored[: self.limit])
        if general:
            scored = best(fuse([[i for i, _ in leg.scored] for leg in legs], (1.0, self.weight), self.k), self.limit)
        return ranking(self.use, start, scored, [leg.step for leg in legs], question=general, **facts(made))

    def _made(self, query: Query, reader: Reader) -> list[Completion]:
        if not query.text.strip():
            return []
        messages = load_prompt(self.prompt).messages(question=query.text)
        return reader.runtime.complete(required(self.chat, self.use), [Request(messages, "step_back", query.text, max_tokens=self.max_tokens)])
