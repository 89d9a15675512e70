"""Fallback: who is asked next, for what reasons, and under whose name a reply is remembered."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from rag.chat.fallback import PASSED_ON, Fallback
from rag.chat.openai import OpenAI
from rag.errors import ChatError
from rag.models.chat import Completion, OnText, Request, facts
from rag.runtime import Runtime
from rag.stages import Chat

from .. import endpoint as on
from ..endpoint import Endpoint, event, said, stream

OPENED: dict[str, Scripted] = {}


@dataclass(frozen=True)
class Named(Chat):
    """A chat model of the test: it replies with its name until it is told to fail."""

    name: str = "a"
    window: int | None = None
    threads: int = 4

    def open(self, runtime: Runtime) -> Scripted:
        OPENED[self.name] = Scripted(self)
        return OPENED[self.name]


@dataclass
class Scripted:
    """What `Named` opens; `why` is what it fails with."""

    spec: Named
    why: str = ""
    calls: int = 0
    most: int = 0
    remember: bool = True
    parts: tuple[str, ...] = ()
    now: list[int] = field(default_factory=list)
    wait: threading.Event | None = None

    def __post_init__(self) -> None:
        self.name, self.window, self.threads, self.identity = self.spec.name, self.spec.window, self.spec.threads, {"name": self.spec.name}
        self._lock = threading.Lock()

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        with self._lock:
            self.calls += 1
            self.now.append(1)
            self.most = max(self.most, len(self.now))
        if self.wait:
            self.wait.wait(0.05)
        with self._lock:
            self.now.pop()
        for part in self.parts:
            if on_text:
                on_text(part)
        if self.why:
            raise ChatError(f"{self.name} says no", self.why)
        return Completion(f"{self.name}: {request.subject}", self.name)

    def count(self, text: str) -> int:
        return len(text) * (2 if self.name == "b" else 1)


def opened(runtime: Runtime, *names: Named) -> Any:
    """Return a fallback over models of the test."""
    return runtime.chat(Fallback(of=names))


def test_the_first_replies_while_it_can(runtime: Runtime, request_of: Any) -> None:
    found = runtime.complete(Fallback(of=(Named(name="a"), Named(name="b"))), [request_of("q")])[0]
    assert (found.text, found.model, found.tried) == ("a: q", "a", ())
    assert OPENED["b"].calls == 0
    assert "tried" not in facts([found])


@pytest.mark.parametrize("reason", ChatError.WHY)
def test_what_another_model_may_not_have_is_passed_on_and_the_rest_is_not(runtime: Runtime, request_of: Any, reason: str) -> None:
    model = opened(runtime, Named(name="a"), Named(name="b"))
    OPENED["a"].why = reason
    if reason in {"refused", "rejected", "truncated"}:
        with pytest.raises(ChatError, match=r"^a says no$"):
            model.complete(request_of("q"))
        assert OPENED["b"].calls == 0
    else:
        found = model.complete(request_of("q"))
        assert (found.text, found.model, found.tried) == ("b: q", "b", (f"a: {reason}",))
        assert facts([found, found])["tried"] == [f"a: {reason}"]
    assert (reason in PASSED_ON) == (reason not in {"refused", "rejected", "truncated"})


def test_when_nobody_replies_all_are_named(runtime: Runtime, request_of: Any) -> None:
    model = opened(runtime, Named(name="a"), Named(name="b"))
    OPENED["a"].why, OPENED["b"].why = "timeout", "server"
    with pytest.raises(ChatError) as caught:
        model.complete(request_of("q"))
    assert str(caught.value) == "no model replied (a: timeout; b: server); the last said: b says no"
    assert caught.value.why == "server"


def test_a_reply_is_remembered_as_that_of_who_gave_it(runtime: Runtime, request_of: Any) -> None:
    """So the first choice is asked again as soon as it is back, and the stand-in's reply is there for the stand-in."""
    spec = Fallback(of=(Named(name="a"), Named(name="b")))
    runtime.chat(spec)
    OPENED["a"].why = "unreachable"
    assert [runtime.complete(spec, [request_of("q")])[0].text for _ in range(2)] == ["b: q"] * 2
    assert (OPENED["a"].calls, OPENED["b"].calls) == (2, 1)
    assert runtime.complete(Named(name="b"), [request_of("q")])[0].remembered
    OPENED["a"].why = ""
    first = runtime.complete(spec, [request_of("q")])[0]
    again = runtime.complete(spec, [request_of("q")])[0]
    assert (first.text, first.remembered, first.tried) == ("a: q", False, ())
    assert again == replace(first, remembered=True)
    assert OPENED["a"].calls == 3
    assert runtime.work.completions == 2  # what was remembered is no work


def test_a_fallback_of_a_fallback_tells_all_that_was_tried(runtime: Runtime, request_of: Any) -> None:
    inner = Fallback(of=(Named(name="b"), Named(name="c")))
    model = runtime.chat(Fallback(of=(Named(name="a"), inner)))
    OPENED["a"].why, OPENED["b"].why = "timeout", "server"
    assert model.complete(request_of("q")).tried == ("a: timeout", "b: server")
    assert runtime.complete(Fallback(of=(Named(name="a"), inner)), [request_of("q")])[0].model == "c"
    assert runtime.complete(Named(name="c"), [request_of("q")])[0].remembered


def test_what_is_planned_fits_every_member(runtime: Runtime) -> None:
    model = opened(runtime, Named(name="a", window=900), Named(name="b", window=400), Named(name="c"))
    assert (model.window, model.count("four"), model.threads, model.name) == (400, 8, 4, "a | b | c")
    assert opened(runtime, Named(name="c"), Named(name="d")).window is None


def test_a_prompt_too_long_for_one_is_taken_to_the_next(runtime: Runtime, request_of: Any) -> None:
    """Whoever has the smallest window, and also where all have one of their own."""
    spec = Fallback(of=(Named(name="a", window=256), Named(name="c", window=4000)))
    heard: list[str] = []
    found = runtime.complete(spec, [request_of("x" * 500), request_of("short", max_tokens=9)])
    assert [(c.model, c.tried) for c in found] == [("c", ("a: too_long",)), ("a", ())]
    assert OPENED["a"].calls == 1
    assert runtime.chat(spec).complete(request_of("x" * 400), heard.append).model == "c"
    with pytest.raises(ChatError, match=r"no model replied \(a: too_long; c: too_long\)") as caught:
        runtime.complete(spec, [request_of("x" * 5000)])
    assert caught.value.why == "too_long"


def test_nobody_else_is_asked_once_a_part_was_heard(runtime: Runtime, request_of: Any) -> None:
    model = opened(runtime, Named(name="a"), Named(name="b"))
    OPENED["a"].why, OPENED["a"].parts = "disconnected", ("hel",)
    heard: list[str] = []
    with pytest.raises(ChatError, match="a says no"):
        model.complete(request_of("q"), heard.append)
    assert heard == ["hel"]
    assert model.complete(request_of("q")).model == "b"


def test_no_member_is_asked_by_more_threads_than_it_takes(runtime: Runtime, request_of: Any) -> None:
    spec = Fallback(of=(Named(name="a", threads=8), Named(name="b", threads=1)))
    runtime.chat(spec)
    OPENED["a"].why, OPENED["a"].wait, OPENED["b"].wait = "server", threading.Event(), threading.Event()
    found = runtime.complete(spec, [request_of(str(n)) for n in range(6)])
    assert [c.text for c in found] == [f"b: {n}" for n in range(6)]
    assert OPENED["a"].most > 1
    assert OPENED["b"].most == 1


def test_one_model_is_no_fallback() -> None:
    with pytest.raises(ValueError, match="at least two"):
        Fallback(of=(Named(),))


def test_its_identity_is_that_of_its_members_in_order(runtime: Runtime) -> None:
    a, b = Named(name="a"), Named(name="b")
    assert opened(runtime, a, b).identity != opened(runtime, b, a).identity


def test_two_endpoints_of_which_one_fails(endpoint: Endpoint, runtime: Runtime, request_of: Any) -> None:
    """The real thing: the first breaks off in the middle of its stream, the second replies."""
    with on.started() as other:
        endpoint.script, other.script = [stream(event("hel"))], [said("from the other")]
        spec = Fallback(of=(OpenAI(model="m", base_url=endpoint.url, retries=0, stream=True), OpenAI(model="n", base_url=other.url)))
        found = runtime.complete(spec, [request_of()])[0]
        host, second = endpoint.url.split("/")[2], other.url.split("/")[2]
    assert (found.text, found.model, found.tried) == ("from the other", f"n@{second}", (f"m@{host}: disconnected",))
