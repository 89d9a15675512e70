"""Asks a chat model for forms, many at once: what it has no usable reply to is counted, a spent budget ends the asking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from rag.errors import ChatError
from rag.models.chat import Completion, Request, facts
from rag.models.structured import first_object, structured
from rag.prompts import Prompt, load
from rag.runtime import Runtime
from rag.stages import Chat
from rag.text import encodable
from rag.untrusted import Source, fenced

PROMPTS = Path(__file__).parent / "prompts"
MAX_TOKENS = 700
OVER_BUDGET = "over_budget"
# A matter of one passage. After any other failure the command ends; what is finished is in the memo, and it goes on from there.
PLACED = frozenset({"refused", "truncated", "malformed", "too_long", OVER_BUDGET})
T = TypeVar("T", bound=BaseModel)


def prompt(name: str) -> Prompt:
    """Return one of the prompts of this package."""
    return load(str(PROMPTS / f"{name}.md"))


def request(name: str, subject: str, sources: Sequence[tuple[str, str]], shape: type[BaseModel], seed: int, **values: str) -> Request:
    """Return a request; sources are `(name, text)`, shown as data between marks that nobody can forge.

    The seed is the number of the sample: another seed asks again, the same one is answered from the memo.
    """
    shown = fenced([Source(n, encodable(t)) for n, t in sources], name).text
    messages = prompt(name).messages(sources=shown, **{k: encodable(v) for k, v in values.items()})
    return Request(messages, f"questions_{name}", subject, seed, MAX_TOKENS, None, shape.model_json_schema())


class Asking:
    """One chat model in one making of questions: what it cost, what failed and why, and why it was stopped (empty while it is not)."""

    def __init__(self, runtime: Runtime, chat: Chat) -> None:
        self.threads = max(1, runtime.chat(chat).threads)
        self.failed: Counter[str] = Counter()
        self.stopped = ""
        self._runtime, self._chat = runtime, chat
        self._made: list[Completion] = []

    @property
    def cost(self) -> dict[str, object]:
        """What all completions cost, as a trace has it."""
        return facts(self._made)

    def forms(self, requests: Sequence[Request], shape: type[T], label: str) -> list[T | str]:
        """Return a form per request, in order, or in a word why there is none. Raises `ChatError` for a failure that is not of one passage."""
        if self.stopped:
            return [OVER_BUDGET] * len(requests)
        found = self._runtime.outcomes(self._chat, requests, label, PLACED)
        return [self._form(r, f, shape) for r, f in zip(requests, found, strict=True)]

    def _form(self, request: Request, found: Completion | ChatError, shape: type[T]) -> T | str:
        try:
            if isinstance(found, ChatError):
                raise found
            self._made.append(found)
            try:
                return shape.model_validate(first_object(found.text))
            except (ValidationError, ValueError):
                reply, made = structured(self._runtime, self._chat, request, shape)
                self._made += made[1:]  # the first was remembered, or made again by a model that nothing is remembered of
                return reply
        except ChatError as error:
            if error.why not in PLACED:
                raise
            self.failed[error.why] += 1
            if error.why == OVER_BUDGET:
                self.stopped = self.stopped or " ".join(str(error).split())
            return error.why
