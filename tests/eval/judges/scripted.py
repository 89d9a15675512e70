"""A chat model for tests of the judge `chat`: it replies by a rule to what a prompt shows between its marks, and keeps what it was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from eval.judges.chat import ChatJudge
from rag.errors import ChatError
from rag.models.chat import Completion, OnText, Request, Usage
from rag.runtime import Runtime
from rag.stages import Chat
from rag.untrusted import unfenced

_NONCE = re.compile(r"<source-([0-9a-f]{12}) ")


def fenced_in(text: str) -> list[tuple[str, str]]:
    """Return `(name, text)` of everything between marks, in order."""
    return [(s.name, s.text) for nonce in dict.fromkeys(_NONCE.findall(text)) for s in unfenced(text, nonce)]


def shown(request: Request, kind: str) -> list[str]:
    """Return the texts that a prompt shows under `kind`, or under `kind 1`, `kind 2` and so on."""
    return [text for name, text in fenced_in(request.messages[-1].content) if re.fullmatch(rf"{kind}( \d+)?", name)]


def outside(request: Request) -> str:
    """Return what a prompt says outside of all marks."""
    text = "\n".join(m.content for m in request.messages)
    for nonce in dict.fromkeys(_NONCE.findall(text)):
        text = re.sub(rf'^<source-{nonce} number="\d+" name="[^"\n]*">\n.*?\n</source-{nonce}>$', "", text, flags=re.DOTALL | re.MULTILINE)
    return text


@dataclass(frozen=True, eq=False)
class Scripted(Chat):
    """Replies what `rule` says of a request: a value is sent as JSON, a text as it is, and one of the reasons of `ChatError` fails for it."""

    rule: Callable[[Request], Any]
    threads: int = 1
    window: int | None = None
    usage: Usage = field(default_factory=lambda: Usage(100, 11, 7, 0.5))
    price_in: float | None = None
    price_out: float | None = None
    remember: bool = True
    asked: list[Request] = field(default_factory=list)
    lock: Any = field(default_factory=Lock)
    name = "scripted"

    def __post_init__(self) -> None:
        """Leave the fields as they are."""

    def open(self, runtime: Runtime) -> Any:
        """Return itself as a model."""
        return self

    @property
    def identity(self) -> dict[str, Any]:
        """Return what tells rules apart: tests may share a memo."""
        return {"name": "scripted", "model": "scripted-1", "rule": id(self.rule)}

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        """Reply by the rule."""
        with self.lock:
            self.asked.append(request)
        found = self.rule(request)
        if isinstance(found, str) and found in ChatError.WHY:
            raise ChatError("by the rule", found)
        return Completion(found if isinstance(found, str) else json.dumps(found), self.name, self.usage)

    def count(self, text: str) -> int:
        """Count words."""
        return len(text.split())


def verdict(claim: int, label: str = "supported", quote: str = "", rationale: str = "because") -> dict[str, Any]:
    """Return one verdict as a model writes it."""
    return {"claim": claim, "rationale": rationale, "quote": quote, "label": label}


def by_words(request: Request) -> dict[str, Any]:
    """Say that a claim is supported when a context holds it word for word, and quote it."""
    contexts = shown(request, "context")
    found = [(i, c, any(c in context for context in contexts)) for i, c in enumerate(shown(request, "claim"), start=1)]
    return {"verdicts": [verdict(i, "supported" if held else "not_found", c if held else "") for i, c, held in found]}


def opened(runtime: Runtime, rule: Any, spec: dict[str, Any] | None = None, **chat: Any) -> tuple[Any, Scripted]:
    """Return a judge that asks a scripted model, and the model. `spec` holds fields of the judge."""
    model = rule if isinstance(rule, Scripted) else Scripted(rule if callable(rule) else lambda _: rule, **chat)
    return ChatJudge(**{"chat": model, "encoder": "hashing-64", **(spec or {})}).open((), runtime), model
