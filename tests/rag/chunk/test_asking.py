"""Requests that go out together, and replies that cannot be used."""

from __future__ import annotations

import pytest

from rag.chunk._asking import replies
from rag.errors import ChatError, ConfigError
from rag.models.chat import Message, Request
from rag.runtime import Runtime
from rag.stages import required
from rag.untrusted import Source, fenced

from .chats import Ruled


def request(text: str) -> Request:
    """Return a request about a passage."""
    return Request((Message("user", fenced([Source("passage", text)], "q").text),), "test", text)


@pytest.mark.parametrize("bad", [set(), {0}, {6}, {2, 3}, set(range(7))])
def test_a_request_without_a_usable_reply_costs_no_other(runtime: Runtime, bad: set[int]) -> None:
    """Its own place is None; the others have their replies, in order, each made once."""
    chat = Ruled(lambda s: "refused" if int(s["passage"]) in bad else f"<{s['passage']}>")
    found = replies(runtime, chat, [request(str(n)) for n in range(7)], "test")
    assert found == [None if n in bad else f"<{n}>" for n in range(7)]
    assert runtime.work.completions == 7 - len(bad)
    assert replies(runtime, chat, [], "test") == []


@pytest.mark.parametrize("why", ["refused", "truncated", "malformed"])
def test_nothing_is_sent_twice(runtime: Runtime, why: str) -> None:
    """64 requests, some of which come to nothing, after which they are paid for all the same."""
    chat = Ruled(lambda s: why if int(s["passage"]) % 20 == 0 else "fine")
    found = replies(runtime, chat, [request(str(n)) for n in range(64)], "test")
    assert sorted(int(r.subject) for r in chat.asked) == list(range(64))
    assert [n for n, text in enumerate(found) if text is None] == [0, 20, 40, 60]


@pytest.mark.parametrize("why", sorted(set(ChatError.WHY) - {"refused", "truncated", "malformed"}))
def test_other_failures_are_the_callers(runtime: Runtime, why: str) -> None:
    """A model that is out of reach says nothing about a passage."""
    with pytest.raises(ChatError) as error:
        replies(runtime, Ruled(lambda s: why), [request("a"), request("b")], "test")
    assert error.value.why == why


def test_a_part_without_a_model_says_so() -> None:
    """With its name and what to write."""
    with pytest.raises(ConfigError, match=r"contextual asks a chat model and has none; give it chat: or name one"):
        required(None, "contextual")
