"""A judge that asks a chat model: statements, verdicts by number with quoted evidence, grades, scores and preferences, each checked before it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np

from eval.judges._chat_ask import Asking
from eval.judges._chat_budget import Budgeted, priced
from eval.judges._chat_claims import claims
from eval.judges._chat_prefer import Match, Shown, prefer
from eval.judges._chat_scores import Criterion, critique, relevance
from eval.judges._chat_shapes import Entities, Questions
from eval.judges._chat_shown import Fence, digests, prompt
from eval.judges._chat_support import Case, support
from eval.judges.base import Asked, Claim, Critique, Judge, Judgement, Label, Missing, Preference, Why, unmarked
from eval.judges.spec import JudgeSpec
from rag.errors import ChatError
from rag.models.files import BUNDLED
from rag.registry import register
from rag.runtime import Runtime
from rag.stages import Chat, bounded, incidental, model
from rag.types import Document


@register("chat")
@dataclass(frozen=True)
class ChatJudge(JudgeSpec):
    """Asks the chat model `chat`, which is written as under `models:` of a configuration.

    `repeat` asks for every verdict so often and takes what is said most; `swap` asks once more with the contexts in reverse. `batch` is how many
    claims one request holds. `context_chars` is how much text may be shown with a request: more is a missing verdict, never one on a part of it.
    `most_calls` and `most_cost` are a hard budget for one opened judge; `most_cost` needs a chat model with prices. What is over it is missing.
    """

    chat: Chat = field(metadata={"model": "chat"})
    repeat: int = bounded(1, ge=1, le=50)
    swap: bool = False
    batch: int = bounded(8, ge=1, le=100)
    temperature: float | None = bounded(0.0, ge=0, le=2)
    max_tokens: int = bounded(2048, ge=16)
    encoder: str = model("encoder", BUNDLED)
    context_chars: int = incidental(200_000, ge=1)
    most_calls: int | None = incidental(None, ge=0)
    most_cost: float | None = incidental(None, ge=0)

    def __post_init__(self) -> None:
        """Hold the fields to their bounds; raises `ValueError` for a budget of money that no price is known for."""
        super().__post_init__()
        if self.most_cost is not None:
            held = priced(self.chat)
            if not held or any(getattr(c, "price_in") is None or getattr(c, "price_out") is None for c in held):  # noqa: B009  # not every Chat has prices
                raise ValueError("most_cost needs price_in and price_out, per million tokens, of every chat model that may be asked")

    def open(self, documents: Sequence[Document], runtime: Runtime) -> Judge:
        """Return the judge; nothing is sent yet. The documents play no part."""
        return OpenChatJudge(self, runtime)


class OpenChatJudge(Judge):
    """The judge at work. What it holds does not change, apart from its budget, which several threads may share."""

    version = 1

    def __init__(self, spec: ChatJudge, runtime: Runtime) -> None:
        """Take the specification and what it works with; raises what opening the chat model raises."""
        chat = Budgeted(spec.chat, spec.most_calls, spec.most_cost)
        self._spec, self._runtime = spec, runtime
        self._asking = Asking(runtime, chat, spec.max_tokens, spec.temperature)
        opened = runtime.chat(chat)
        self.threads = max(1, opened.threads)
        self._encoding = Lock()
        settings = {name: getattr(spec, name) for name in ("repeat", "swap", "batch", "temperature", "max_tokens")}
        self._identity = {
            "use": "chat", "version": self.version, "chat": opened.identity, **settings, "prompts": digests(), "encoder": runtime.encoder(spec.encoder).identity,
        }  # fmt: skip

    @property
    def identity(self) -> Mapping[str, Any]:
        """The chat model with its endpoint and parameters, the prompts, how often and in what portions it is asked, and the encoder."""
        return self._identity

    def claims(self, text: str, question: str = "") -> tuple[Claim, ...] | Missing:
        """Return the statements that the model finds in a text."""
        return self._too_long([text, question]) or claims(text, question, self._asking)

    def support(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement | Missing, ...]:
        """Return one verdict per claim. Where every context is blank nothing is asked: nothing can be found."""
        if not claims:
            return ()
        if not any(c.strip() for c in contexts):
            return tuple(Judgement(Label.NOT_FOUND, 0.0, rationale="there are no contexts") for _ in claims)
        if missing := self._too_long([*contexts, question]):
            return tuple(missing for _ in claims)
        spec = self._spec
        return support(Case(tuple(claims), tuple(contexts), question), self._asking, spec.batch, spec.repeat, spec.swap)

    def similarity(self, a: str, b: str) -> float | Missing:
        """Return the cosine of the encoder's vectors, citation marks left out."""
        with self._encoding:  # encoders make no promise about threads
            left, right = (np.asarray(row, dtype=np.float64) for row in self._runtime.embed(self._spec.encoder, [unmarked(a), unmarked(b)], label=""))
        return float(left @ right)

    def asked(self, answer: str, contexts: Sequence[str], n: int) -> tuple[Asked, ...] | Missing:
        """Return `n` different questions that the answer would answer; the contexts are not shown, as they would tell the question."""
        if missing := self._too_long([answer]):
            return missing
        fence = Fence(answer)
        reply = self._asking.one(
            self._asking.request("asked", answer, prompt("asked").messages(answer=fence.one("answer", unmarked(answer)), n=str(n))), Questions
        )
        if isinstance(reply, ChatError):
            return Missing.of(reply)
        found = list(dict.fromkeys(" ".join(q.split()) for q in reply.value.questions if q.strip()))
        if len(found) != n:
            self._asking.forget(reply)
            return Missing(Why.COUNT_MISMATCH, f"{len(found)} different questions where {n} were asked for")
        return tuple(Asked(q, reply.value.noncommittal) for q in found)

    def entities(self, text: str) -> tuple[str, ...] | Missing:
        """Return the entities that the model finds, in the order of their first place; those that the text spells otherwise come last."""
        if not text.strip():
            return ()
        if missing := self._too_long([text]):
            return missing
        fence = Fence(text)
        reply = self._asking.one(self._asking.request("entities", text, prompt("entities").messages(text=fence.one("text", unmarked(text)))), Entities)
        if isinstance(reply, ChatError):
            return Missing.of(reply)
        found = {name.casefold(): name for name in (" ".join(e.split()) for e in reversed(reply.value.entities)) if name}
        low = " ".join(text.split()).casefold()
        names = list(reversed(found.values()))
        return tuple(sorted(names, key=lambda name: at if (at := low.find(name.casefold())) >= 0 else len(low)))

    def relevance(self, question: str, contexts: Sequence[str]) -> tuple[float | Missing, ...]:
        """Return for each context 0, 0.5 or 1: nothing, a part or all of what the question needs."""
        if missing := self._too_long([max(contexts, key=len, default=""), question]):
            return tuple(missing for _ in contexts)
        return relevance(question, contexts, self._asking, self._spec.repeat)

    def critique(self, criterion: str, scale: Mapping[int, str], question: str, answer: str, contexts: Sequence[str]) -> Critique | Missing:
        """Return a score that the scale has."""
        shown = Criterion(criterion, dict(scale), question, answer, tuple(contexts))
        return self._too_long([*contexts, question, answer]) or critique(shown, self._asking, self._spec.repeat, self._spec.swap)

    def prefer(self, question: str, a: str, b: str, contexts: tuple[Sequence[str], Sequence[str]], reference: str = "") -> Preference | Missing:
        """Return which of two answers is better; both orders are always asked."""
        match = Match(question, Shown(a, tuple(contexts[0])), Shown(b, tuple(contexts[1])), reference)
        return self._too_long([question, a, b, *contexts[0], *contexts[1], reference]) or prefer(match, self._asking, self._spec.repeat)

    def _too_long(self, texts: Sequence[str]) -> Missing | None:
        size = sum(map(len, texts))
        if size <= self._spec.context_chars:
            return None
        return Missing(Why.TOO_LONG, f"{size} characters are to be shown and context_chars allows {self._spec.context_chars}; raise it, or pack fewer tokens")
