"""A model for ragas that is one of our chat models: what ragas asks goes through the port, with memo, budget, limits and recordings."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import BaseModel

from eval.judges._ragas_package import package
from rag.models.chat import Completion, Message, Request, Usage
from rag.models.completions import forget
from rag.models.structured import structured
from rag.runtime import Runtime
from rag.stages import Chat

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Passed:
    """What went to the chat model for one call of ragas and what came back: ragas itself keeps neither statements nor reasons."""

    request: Request
    reply: BaseModel
    completions: tuple[Completion, ...]

    @property
    def usage(self) -> Usage:
        """What the completions cost together."""
        return sum((c.usage for c in self.completions), Usage())


@dataclass(frozen=True)
class Port:
    """Asks a chat model what ragas wants asked. `passed` holds every call that was answered, in order."""

    runtime: Runtime
    chat: Chat
    max_tokens: int = 4096
    temperature: float | None = 0.0
    passed: list[Passed] = field(default_factory=list)

    def ask(self, prompt: str, shape: type[T], subject: str = "", sample: int = 0) -> T:
        """Return the reply as `shape`. Raises `ChatError`."""
        task = f"ragas_{shape.__name__}"
        request = Request((Message("user", prompt),), task, subject, sample, self.max_tokens, self.temperature)
        reply, completions = structured(self.runtime, self.chat, request, shape)
        self.passed.append(Passed(replace(request, schema=shape.model_json_schema()), reply, tuple(completions)))
        return reply

    def forget(self) -> None:
        """Forget the first reply of the last call, which has the right form and cannot be used, so that the next run asks again."""
        last = self.passed[-1]
        forget(self.runtime.chat(self.chat), last.request, last.completions[0], self.runtime.memo)


def ragas_llm(port: Port) -> Any:
    """Return a model that every metric of `ragas.metrics.collections` takes as its `llm`. Raises what `package` raises.

    Its coroutines wait in a thread: no event loop is patched or blocked. A `ChatError` goes through ragas to who called it.
    """
    base = package().base

    class PortLLM(base):  # type: ignore[valid-type, misc]  # the class exists only where ragas is installed
        """Sends prompts of ragas through the port."""

        is_async = True

        def generate(self, prompt: str, response_model: type[T]) -> T:
            """Return the reply to a prompt."""
            return port.ask(prompt, response_model)

        async def agenerate(self, prompt: str, response_model: type[T]) -> T:
            """Return the reply to a prompt."""
            return await asyncio.to_thread(port.ask, prompt, response_model)

    return PortLLM()
