"""A started endpoint, and the ways to ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rag.models.chat import Message, Request

from ..endpoint import Endpoint, started


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """Run a chat endpoint; no proxy and no key of whoever runs the tests is used."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with started() as server:
        yield server


@pytest.fixture
def request_of() -> Callable[..., Request]:
    """Return what makes a request of one question."""

    def make(text: str = "why?", system: str = "", **more: Any) -> Request:
        messages = (*((Message("system", system),) if system else ()), Message("user", text))
        return Request(messages, more.pop("task", "answer"), more.pop("subject", text), **more)

    return make
