"""A chat model that asks others in order, the next one when one cannot reply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

from rag.errors import ChatError
from rag.models.chat import Asker, ChatModel, Completion, OnText, Request, check_window
from rag.registry import register
from rag.stages import Chat

if TYPE_CHECKING:
    from rag.runtime import Runtime

# Not `refused` (the next one would be asked to get around it), `truncated` (the same max_tokens holds for all) and `rejected` (a key,
# name or address is wrong: that is for a person to put right, not to be hidden by a stand-in).
PASSED_ON = frozenset({"timeout", "rate_limited", "server", "unreachable", "disconnected", "malformed", "too_long", "over_budget", "not_recorded"})


@register("fallback")
@dataclass(frozen=True)
class Fallback(Chat):
    """Asks the first of `of`, and the next when it is not to be had: no reply in time, too many requests, an error of the server, no budget.

    A refusal, a reply cut off at max_tokens and a rejected key or request are not passed on. Each reply is remembered as that of
    the model that gave it, so the first is asked again the next time; which it was, and who was tried before, is on the trace.
    """

    of: tuple[Chat, ...]

    def __post_init__(self) -> None:
        """Hold the list to at least two; raises `ValueError`."""
        super().__post_init__()
        if len(self.of) < 2:
            raise ValueError(f"of needs at least two chat models, the first choice first, not {len(self.of)}")

    def open(self, runtime: Runtime) -> ChatModel:
        """Return the models in order; raises what opening one of them raises."""
        return FallbackModel(self, runtime)


class FallbackModel:
    """Several opened models. `window` is the smallest and `count` the largest of theirs, so that what is planned fits each."""

    remember = False  # each reply is remembered under the key of the model that gave it

    def __init__(self, spec: Fallback, runtime: Runtime) -> None:
        self._models = [runtime.chat(chat) for chat in spec.of]
        self._slots = [BoundedSemaphore(max(1, m.threads)) for m in self._models]
        self.name = " | ".join(m.name for m in self._models)
        self.window = min((m.window for m in self._models if m.window is not None), default=None)
        self.threads = max(m.threads for m in self._models)
        self.identity: dict[str, Any] = {"name": "fallback", "version": spec.version, "of": [m.identity for m in self._models]}

    def count(self, text: str) -> int:
        """Return the tokens of a text, by the tokenizer that makes most of them."""
        return max(m.count(text) for m in self._models)

    def others(self) -> Sequence[ChatModel]:
        """Return the models in order."""
        return self._models

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        """Return the first reply, remembering nothing. Raises as `pass_on` does."""
        return self.pass_on(request, _plainly, on_text)

    def pass_on(self, request: Request, ask: Asker, on_text: OnText | None = None) -> Completion:
        """Return the first reply. Raises `ChatError`: one that is not passed on as it is, else that of the last model, which names them all."""
        tried: list[str] = []
        told: list[str] = []

        def listen(text: str) -> None:
            told.append(text)
            if on_text is not None:
                on_text(text)

        for model, slot in zip(self._models, self._slots, strict=True):
            try:
                with slot:
                    completion = ask(model, request, None if on_text is None else listen)
            except ChatError as error:
                if error.why not in PASSED_ON or told:
                    raise
                tried.append(f"{model.name}: {error.why}")
                last = error
            else:
                return replace(completion, tried=(*tried, *completion.tried))
        raise ChatError(f"no model replied ({'; '.join(tried)}); the last said: {last}", last.why)


def _plainly(model: ChatModel, request: Request, on_text: OnText | None) -> Completion:
    check_window(model, request)
    return model.complete(request, on_text)
