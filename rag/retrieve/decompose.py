"""Questions that need several documents: sub-questions asked one after the other, each knowing what the ones before found."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from pydantic import BaseModel

from rag.index.reader import Reader
from rag.models.chat import Completion, Request, counted, facts
from rag.models.structured import structured
from rag.prompts import load as load_prompt
from rag.registry import register
from rag.retrieve._asking import distinct, shortened
from rag.retrieve._ranking import best, fuse, ranking
from rag.stages import Chat, Retriever, Space, bounded, model, prompt, required
from rag.types import Query, Ranking
from rag.untrusted import Source, fenced, prompt_copy


class Next(BaseModel):
    """The reply that is asked for: what to look up next, null when nothing more has to be."""

    question: str | None


@dataclass
class Found:
    """What one question has found so far: its own ranking, then that of every sub-question; `sources` are the passages to show, by chunk."""

    rankings: list[Ranking]
    questions: list[str] = field(default_factory=list)
    made: list[Completion] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    sources: dict[str, Source] = field(default_factory=dict)
    tokens: int = 0
    stopped: str = ""


@register("decompose")
@dataclass(frozen=True)
class Decompose(Retriever):
    """What `over` finds for the question and for sub-questions that a chat model asks one by one (self-ask: Press et al. 2023).

    At each step the model sees the question, the sub-questions so far and the first `show` passages found for each, cut to
    `passage_tokens`. It stops when the model asks nothing more (`done`), after `steps` sub-questions (`steps`), before a step that
    would exceed `budget_tokens` for all prompts and replies of this question (`budget`), when a sub-question was asked before
    (`repeated`), and when the first `look` hits of a step are all known (`nothing new`); the trace says which.

    The rankings of all questions are fused by RRF, the original's with `weight` against 1. `k` is 0, so that what one step finds
    first counts in full: with the usual 60 a passage that every step finds somewhere beats the one that a single step was asked
    for (docs/stages.md).
    """

    over: Retriever
    steps: int = bounded(4, ge=1, le=16)
    look: int = bounded(5, ge=1)
    show: int = bounded(2, ge=1)
    passage_tokens: int = bounded(160, ge=16)
    budget_tokens: int = bounded(12_000, ge=256)
    weight: float = bounded(0.5, gt=0)
    k: float = bounded(0.0, ge=0)
    max_tokens: int = bounded(256, ge=16)
    chat: Chat | None = model("chat")
    prompt: str = prompt("decompose")
    limit: int = bounded(100, ge=1)

    def spaces(self) -> tuple[Space, ...]:
        """The spaces of the retriever within."""
        return self.over.spaces()

    def rank(self, query: Query, reader: Reader) -> Ranking:
        """Return the rankings of the question and its sub-questions as one. Raises `ChatError`."""
        start = time.perf_counter()
        found = Found([self.over.rank(query, reader)], stopped="" if query.text.strip() else "blank")
        self._look(found)
        while not found.stopped:
            self._step(query, found, reader)
        scored = list(found.rankings[0].scored[: self.limit])
        if found.questions:
            lists = [[i for i, _ in r.scored] for r in found.rankings]
            scored = best(fuse(lists, (self.weight, *[1.0] * len(found.questions)), self.k), self.limit)
        said = {"questions": found.questions, "stopped": found.stopped, **facts(found.made)}
        return ranking(self.use, start, scored, [r.step for r in found.rankings], **said)

    def _step(self, query: Query, found: Found, reader: Reader) -> None:
        """Ask for the next sub-question and search for it, or say why not."""
        if len(found.questions) == self.steps:
            found.stopped = "steps"
            return
        chat = required(self.chat, self.use)
        request = self._request(query, found, reader)
        port = reader.runtime.chat(chat)
        prompt_tokens = counted(port, request.messages)
        if found.tokens + prompt_tokens + self.max_tokens > self.budget_tokens:
            found.stopped = "budget"
            return
        reply, made = structured(reader.runtime, chat, request, Next)
        found.made += made
        found.tokens += sum(c.usage.prompt + c.usage.completion or prompt_tokens + port.count(c.text) for c in made)
        asked = distinct([reply.question or ""])
        fresh = distinct(asked, [query.text, *found.questions])
        if not fresh:
            found.stopped = "repeated" if asked else "done"
            return
        found.questions += fresh
        found.rankings.append(self.over.rank(query.instead(fresh[0]), reader))
        if not self._look(found):
            found.stopped = "nothing new"

    def _look(self, found: Found) -> bool:
        """Take note of the first hits of the last ranking; return whether any of them is new."""
        top = {i for i, _ in found.rankings[-1].scored[: self.look]}
        new = bool(top - found.seen)
        found.seen |= top
        return new

    def _request(self, query: Query, found: Found, reader: Reader) -> Request:
        count = reader.runtime.chat(required(self.chat, self.use)).count
        question = (query.text, *found.questions)[-1]
        for hit in reader.hits(found.rankings[-1].scored[: self.show], self.use):
            if hit.chunk.id not in found.sources:
                doc = hit.chunk.span.doc_id
                name = f"{reader.document(doc).title or doc}, found for: {question}"
                found.sources[hit.chunk.id] = Source(name, shortened(hit.chunk.text, self.passage_tokens, count))
        asked = "\n".join(f"{n}. {prompt_copy(' '.join(q.split()))}" for n, q in enumerate(found.questions, start=1)) or "None yet."
        shown = fenced(list(found.sources.values()), query.text).text if found.sources else "Nothing was found."
        messages = load_prompt(self.prompt).messages(question=query.text, asked=asked, found=shown)
        return Request(messages, "decompose", query.text, len(found.questions), self.max_tokens)
