"""Requests of a chat judge: fanned out together, replies read as a shape, every failure in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from rag.errors import ChatError
from rag.models.chat import AsksOthers, Completion, Message, Request, Usage, check_window
from rag.models.completions import forget
from rag.models.structured import first_object, structured
from rag.runtime import Runtime
from rag.stages import Chat

T = TypeVar("T", bound=BaseModel)
EVERY = frozenset(ChatError.WHY)


@dataclass(frozen=True)
class Reply(Generic[T]):
    """What came back for a request, and all that it took."""

    value: T
    request: Request
    completions: tuple[Completion, ...]

    @property
    def usage(self) -> Usage:
        """Tokens and money of every completion it took."""
        return sum((c.usage for c in self.completions), Usage())


@dataclass(frozen=True)
class Asking:
    """How a judge asks: its chat model, what a reply may be long, and the temperature. Holds no state: any thread may ask."""

    runtime: Runtime
    chat: Chat
    max_tokens: int
    temperature: float | None

    def request(self, task: str, subject: str, messages: tuple[Message, ...], sample: int = 0) -> Request:
        """Return a request of a task about a question."""
        return Request(messages, f"judge_{task}", subject, sample, self.max_tokens, self.temperature)

    def ask(self, requests: Sequence[Request], shape: type[T]) -> list[Reply[T] | ChatError]:
        """Return per request its reply or why there is none, in order. A reply that does not fit is asked for once more."""
        form = shape.model_json_schema()
        asked = [replace(r, schema=form) for r in requests]
        return [found if isinstance(found, ChatError) else self._read(r, found, shape) for r, found in zip(asked, self._outcomes(asked), strict=True)]

    def one(self, request: Request, shape: type[T]) -> Reply[T] | ChatError:
        """Return the reply to one request, or why there is none."""
        return self.ask([request], shape)[0]

    def forget(self, reply: Reply[Any]) -> None:
        """Forget a reply that turned out to be of no use: the next run asks again, as it may have more luck."""
        for completion in reply.completions:
            forget(self.runtime.chat(self.chat), reply.request, completion, self.runtime.memo)

    def _outcomes(self, requests: Sequence[Request]) -> list[Completion | ChatError]:
        """Ask for all that fit the window at once; the others fail alone."""
        model = self.runtime.chat(self.chat)
        found: dict[int, Completion | ChatError] = {}
        for i, request in enumerate(requests):
            try:
                if not isinstance(model, AsksOthers):
                    check_window(model, request)
            except ChatError as error:
                found[i] = error
        rest = [i for i in range(len(requests)) if i not in found]
        found |= zip(rest, self.runtime.outcomes(self.chat, [requests[i] for i in rest], placed=EVERY), strict=True)
        return [found[i] for i in range(len(requests))]

    def _read(self, request: Request, completion: Completion, shape: type[T]) -> Reply[T] | ChatError:
        try:
            return Reply(shape.model_validate(first_object(completion.text)), request, (completion,))
        except ValueError:
            try:  # the first reply is in the memo: this sends it back with what is wrong
                value, made = structured(self.runtime, self.chat, request, shape)
            except ChatError as error:
                return error
            return Reply(value, request, tuple(made))
