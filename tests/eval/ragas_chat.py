"""A chat model for tests of the judge `ragas`: it replies by a rule to the task and the input of a prompt, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rag.errors import ChatError
from rag.models.chat import Completion, OnText, Request, Usage
from rag.runtime import Runtime
from rag.stages import Chat

Reply = Callable[[str, dict[str, Any]], Any]


def given(request: Request) -> dict[str, Any]:
    """Return the input that ragas put at the end of a prompt."""
    return json.loads(request.messages[0].content.rsplit("input: ", 1)[1].rsplit("\nOutput:", 1)[0])


@dataclass(frozen=True, eq=False)
class Ruled(Chat):
    """Replies what `reply` says to the name of the form asked for and the input; a text is sent as it is, a reason of `ChatError` fails."""

    reply: Reply
    threads: int = 1
    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Leave the fields as they are."""

    def open(self, runtime: Runtime) -> Any:
        """Return itself as a model."""
        return self

    name, window, remember = "ruled", None, True

    @property
    def identity(self) -> dict[str, Any]:
        """Return what tells rules apart: tests share a memo."""
        return {"name": "ruled", "rule": id(self.reply)}

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        """Reply by the rule."""
        self.asked.append(request)
        found = self.reply(request.task.removeprefix("ragas_"), given(request))
        if isinstance(found, str) and found in ChatError.WHY:
            raise ChatError("by the rule", found)
        return Completion(found if isinstance(found, str) else json.dumps(found), self.name, Usage(100, 11, 7, 0.5))

    def count(self, text: str) -> int:
        """Count words."""
        return len(text.split())


def fixed(**replies: Any) -> Reply:
    """Reply the same to every prompt that asks for a form."""
    return lambda form, _: replies[form]


def statements(*texts: str) -> dict[str, Any]:
    """Return a reply of statements."""
    return {"statements": list(texts)}


def verdicts(*rows: tuple[str, int]) -> dict[str, Any]:
    """Return a reply of verdicts."""
    return {"statements": [{"statement": s, "reason": f"because of {s}", "verdict": v} for s, v in rows]}
