"""The port: what a request's key covers, what a step's facts add up to, and what does not fit a window."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from rag.errors import ChatError
from rag.models.chat import Completion, Message, OnText, Request, Usage, as_remembered, check_window, counted, facts

REQUEST = Request((Message("system", "be brief"), Message("user", "why is it so")), "answer", "why")


@dataclass
class Words:
    """A model whose tokens are words."""

    window: int | None = None
    max_tokens: int | None = None
    name: str = "words"
    threads: int = 1
    remember: bool = True
    identity: dict[str, Any] = field(default_factory=dict)

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        return Completion("so", self.name)

    def count(self, text: str) -> int:
        return len(text.split())


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (Message("user", "be brief"), Message("user", "why is it so"))},
        {"messages": (Message("system", "be brief why"), Message("user", "is it so"))},
        {"messages": REQUEST.messages[::-1]},
        {"sample": 1},
        {"max_tokens": 5},
        {"temperature": 0.0},
        {"schema": {"type": "object"}},
    ],
)
def test_what_is_sent_is_in_the_key(change: dict[str, Any]) -> None:
    assert replace(REQUEST, **change).key != REQUEST.key


def test_what_is_not_sent_is_not_in_the_key() -> None:
    assert replace(REQUEST, task="hyde", subject="x").key == REQUEST.key
    assert replace(REQUEST, messages=(Message("user", "\ud800"),)).key  # any text has a key


def test_facts_add_up_what_was_made_and_what_was_remembered() -> None:
    made = Completion("a", "m", Usage(10, 2, 4, 0.1), 5.5, 3)
    other = Completion("b", "n", Usage(1, 1, 0, 0.2), 1.0)
    assert facts([made, as_remembered(made), other]) == {
        "completions": 3, "prompt_tokens": 21, "completion_tokens": 5, "cached_tokens": 8, "cost": 0.4, "model_ms": 12.0,
        "chat": ["m", "n"], "remembered": 1, "retries": 4,
    }  # fmt: skip
    assert facts([])["completions"] == 0
    assert facts([replace(made, tried=("x: timeout",)), replace(made, tried=("w: server", "x: timeout"))])["tried"] == ["w: server", "x: timeout"]


def test_a_prompt_counts_four_tokens_for_each_message_besides_its_text() -> None:
    assert counted(Words(), REQUEST.messages) == 2 + 4 + 4 + 4


@pytest.mark.parametrize(("window", "fits"), [(None, True), (24, True), (23, False)])
def test_prompt_and_reply_have_to_fit_the_window(window: int | None, fits: bool) -> None:
    request = replace(REQUEST, max_tokens=10)
    if fits:
        check_window(Words(window), request)
        return
    with pytest.raises(ChatError, match="a prompt of 14 tokens and a reply of 10 do not fit the 23 of words") as caught:
        check_window(Words(window), request)
    assert caught.value.why == "too_long"


def test_a_model_that_replaces_max_tokens_is_held_to_its_own() -> None:
    check_window(Words(24, max_tokens=10), REQUEST)
    with pytest.raises(ChatError, match="a reply of 11"):
        check_window(Words(24, max_tokens=11), replace(REQUEST, max_tokens=1))


@pytest.mark.parametrize("why", ChatError.WHY)
def test_every_reason_says_whether_asking_again_may_help(why: str) -> None:
    assert ChatError("x", why).retry == (why in {"timeout", "rate_limited", "server", "unreachable", "disconnected"})


def test_there_are_no_other_reasons() -> None:
    with pytest.raises(ValueError, match="is no reason"):
        ChatError("x", "because")
