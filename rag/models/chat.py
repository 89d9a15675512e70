"""The port for chat models: what is asked, what comes back, and what it cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, runtime_checkable

from rag.errors import ChatError
from rag.fingerprint import key

Role = Literal["system", "user", "assistant"]
OnText = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True)
class Request:
    """What is asked of a chat model.

    `task` (the prompt's name) and `subject` (the question it is about) are not sent: recordings are found by them, and the
    trace shows them. `sample` numbers several completions of one request. `schema` is a JSON Schema that the reply has to meet.
    """

    messages: tuple[Message, ...]
    task: str
    subject: str = ""
    sample: int = 0
    max_tokens: int = 1024
    temperature: float | None = None
    schema: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """The content key of what is sent, whoever is asked."""
        sent = [[m.role, m.content] for m in self.messages]
        return key("chat", 1, sent, self.sample, self.max_tokens, self.temperature, dict(self.schema) if self.schema is not None else None)


@dataclass(frozen=True)
class Usage:
    """Tokens as the endpoint counted them; `cached` of the prompt's were read from its prefix cache. `cost` is in the currency of the prices."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    cost: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt + other.prompt, self.completion + other.completion, self.cached + other.cached, self.cost + other.cost)


@dataclass(frozen=True)
class Completion:
    """A reply. `ms` is what it took when it was made; `attempts` counts what was sent for it, `remembered` says it came from the memo.

    `model` is who answered; `tried` are those asked before it, each with why it gave no reply (`name: why`).
    """

    text: str
    model: str
    usage: Usage = field(default_factory=Usage)
    ms: float = 0.0
    attempts: int = 1
    remembered: bool = False
    tried: tuple[str, ...] = ()


class ChatModel(Protocol):
    """Messages to a reply. `identity` names everything that can change one.

    `window` is how many tokens prompt and reply may have together, None when unknown; `threads` how many requests it takes at
    once; `remember` whether replies are worth keeping in the memo.
    """

    name: str
    identity: dict[str, Any]
    window: int | None
    threads: int
    remember: bool

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        """Return the reply; `on_text` gets its parts as they arrive, where the model streams. Raises `ChatError`."""

    def count(self, text: str) -> int:
        """Return how many tokens a text has, for budgets."""


Asker = Callable[[ChatModel, Request, OnText | None], Completion]


@runtime_checkable
class AsksOthers(Protocol):
    """A chat model that asks other chat models. It is handed what asks one, so that each reply is remembered as that of who gave it."""

    def pass_on(self, request: Request, ask: Asker, on_text: OnText | None = None) -> Completion:
        """Return the reply of one of the others, remembered or made. Raises `ChatError`."""

    def others(self) -> Sequence[ChatModel]:
        """Return those that may be asked."""


def facts(completions: Iterable[Completion]) -> dict[str, object]:
    """Return what the completions of one step cost, for its trace: calls, tokens, money, milliseconds of the model when they were made.

    `tried` is there only when a model gave no reply and another was asked instead.
    """
    found = list(completions)
    total = sum((c.usage for c in found), Usage())
    tried = sorted({t for c in found for t in c.tried})
    return {
        "completions": len(found), "prompt_tokens": total.prompt, "completion_tokens": total.completion, "cached_tokens": total.cached,
        "cost": round(total.cost, 8), "model_ms": round(sum(c.ms for c in found), 3), "chat": sorted({c.model for c in found}),
        "remembered": sum(c.remembered for c in found), "retries": sum(max(0, c.attempts - 1) for c in found),
        **({"tried": tried} if tried else {}),
    }  # fmt: skip


def counted(model: ChatModel, messages: Sequence[Message]) -> int:
    """Return the tokens of a prompt as the asked model's tokenizer counts them, with four for the frame of each message."""
    return sum(model.count(m.content) + 4 for m in messages)


def check_window(model: ChatModel, request: Request) -> None:
    """Raise `ChatError` (`too_long`) when prompt and reply cannot fit the model's window."""
    if model.window is None:
        return
    used, reply = counted(model, request.messages), getattr(model, "max_tokens", None) or request.max_tokens  # some models replace it
    if used + reply > model.window:
        fix = "use a smaller pack.tokens or max_tokens, or a model with a larger window"
        raise ChatError(f"a prompt of {used} tokens and a reply of {reply} do not fit the {model.window} of {model.name}; {fix}", "too_long")


def as_remembered(completion: Completion) -> Completion:
    """Return a completion marked as read from the memo."""
    return replace(completion, remembered=True)
