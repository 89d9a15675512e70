"""Questions that need several documents: sub-questions asked one after the other, each knowing what the ones before found."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from rag import prompts
from rag.index.reader import Reader
from rag.models.chat import Completion, Request, counted, facts
from rag.models.structured import structured
from rag.registry import register
from rag.retrieve._asking import distinct, named, shortened
from rag.retrieve._ranking import best, fuse, ranking, turns
from rag.stages import Chat, Retriever, Space, bounded, model, prompt
from rag.types import Query, Ranking
from rag.untrusted import Source, fenced, prompt_copy


class Next(BaseModel):
    """The reply that is asked for: what to look up next, null when nothing more has to be."""

    question: str | None


@dataclass
class Found:
    """What one question has found so far: its own ranking, then that of every sub-question."""

    rankings: list[Ranking]
    questions: list[str] = field(default_factory=list)
    made: list[Completion] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    tokens: int = 0
    stopped: str = ""


@register("decompose")
@dataclass(frozen=True)
class Decompose(Retriever):
    """What `over` finds for the question and for sub-questions that a chat model asks one by one (self-ask: Press et al. 2023).

    At each step the model sees the question, the sub-questions so far and the first `show` passages found for each, cut to
    `passage_tokens`. It stops when the model asks nothing more (`done`), after `steps` sub-questions (`steps`), before a step that
    would exceed `budget_tokens` for all prompts and replies of this question (`budget`), when a sub-question was asked before
    (`repeated`), and when the first `look` hits of a step are all known (`nothing new`); the trace says which. `fusion: turns` gives
    every ranking a fair share: the best of each, the original's first, then the second best of each, and so on.
    """

    over: Retriever
    steps: int = bounded(4, ge=1, le=16)
    look: int = bounded(5, ge=1)
    show: int = bounded(2, ge=1)
    passage_tokens: int = bounded(160, ge=16)
    budget_tokens: int = bounded(12_000, ge=256)
    fusion: Literal["turns", "rrf"] = "turns"
    k: float = bounded(60.0, ge=0)
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
        lists = [[i for i, _ in r.scored] for r in found.rankings]
        if len(lists) == 1:
            scored = list(found.rankings[0].scored[: self.limit])
        elif self.fusion == "rrf":
            scored = best(fuse(lists, (1.0,) * len(lists), self.k), self.limit)
        else:
            scored = [(i, 1 / place) for place, i in enumerate(turns(lists)[: self.limit], start=1)]
        said = {"questions": found.questions, "stopped": found.stopped, **facts(found.made)}
        return ranking(self.use, start, scored, [r.step for r in found.rankings], **said)

    def _step(self, query: Query, found: Found, reader: Reader) -> None:
        """Ask for the next sub-question and search for it, or say why not."""
        if len(found.questions) == self.steps:
            found.stopped = "steps"
            return
        chat = named(self.chat, self.use)
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
        count = reader.runtime.chat(named(self.chat, self.use)).count
        sources: dict[str, Source] = {}
        for question, ranked in zip((query.text, *found.questions), found.rankings, strict=True):
            for hit in reader.hits(ranked.scored[: self.show], self.use):
                sources.setdefault(hit.chunk.id, Source(question, shortened(hit.chunk.text, self.passage_tokens, count)))
        asked = "\n".join(f"{n}. {prompt_copy(' '.join(q.split()))}" for n, q in enumerate(found.questions, start=1)) or "None yet."
        shown = fenced(list(sources.values()), query.text).text if sources else "Nothing was found."
        messages = prompts.load(self.prompt).messages(question=query.text, asked=asked, found=shown)
        return Request(messages, "decompose", query.text, len(found.questions), self.max_tokens)
