"""A chat model for tests of chunkers: it replies by a rule to what it is shown, and keeps what it was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rag.errors import ChatError
from rag.models.chat import Completion, OnText, Request
from rag.runtime import Runtime
from rag.stages import Chat
from rag.untrusted import unfenced

Reply = Callable[[dict[str, str]], str]


def shown(request: Request) -> dict[str, str]:
    """Return the sources of a request by name."""
    text = next(m.content for m in request.messages if m.role == "user")
    nonce = re.search(r"<source-([0-9a-f]+) ", text)
    assert nonce is not None
    return {s.name: s.text for s in unfenced(text, nonce[1])}


@dataclass(frozen=True, eq=False)
class Ruled(Chat):
    """Replies what `reply` says to the sources it is shown; `why` in place of a text fails with it."""

    reply: Reply
    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Leave the fields as they are."""

    def open(self, runtime: Runtime) -> Any:
        """Return itself as a model."""
        return self

    name, window, threads, remember = "ruled", None, 2, True

    @property
    def identity(self) -> dict[str, Any]:
        """Return what tells rules apart: tests share a memo."""
        return {"name": "ruled", "rule": id(self.reply)}

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        """Reply by the rule."""
        self.asked.append(request)
        text = self.reply(shown(request))
        if text in ChatError.WHY:
            raise ChatError("by the rule", text)
        return Completion(text, self.name)

    def count(self, text: str) -> int:
        """Count words."""
        return len(text.split())


def first_words(sources: dict[str, str]) -> str:
    """Reply with the first words of the passage."""
    return "About " + " ".join(sources["passage"].split()[:3])


def halves(sources: dict[str, str]) -> str:
    """State both halves of a passage, the second with a quote that is nowhere, the first twice; nothing of one without letters."""
    text = sources["passage"]
    if not any(c.isalnum() for c in text):
        return '{"statements": []}'
    middle = max(1, len(text) // 2)
    first = {"statement": f"It says {text[:middle]}", "quote": text[:middle]}
    return json.dumps({"statements": [first, first, *([{"statement": text[middle:], "quote": "zq" * 20}] if text[middle:] else [])]})
