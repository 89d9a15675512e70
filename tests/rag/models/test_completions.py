"""Many requests: in order, once each, in as many threads as the model takes, and nothing that was paid for is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rag.chat.openai import OpenAI
from rag.errors import ChatError
from rag.fingerprint import key
from rag.memo import Memo
from rag.models.chat import Completion, Message, OnText, Request, Usage
from rag.models.completions import ask, complete, forget, outcomes
from rag.runtime import Runtime

from .. import endpoint as on
from ..endpoint import Endpoint, said, started


@dataclass
class Echo:
    """Replies with the last message; fails on what `fails` names, and waits for `gate` where there is one."""

    threads: int = 1
    remember: bool = True
    window: int | None = None
    name: str = "echo"
    identity: dict[str, Any] = field(default_factory=lambda: {"name": "echo"})
    fails: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    gates: dict[str, threading.Event] = field(default_factory=dict)

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        text = request.messages[-1].content
        self.asked.append(text)
        if text in self.gates:
            self.gates[text].wait(10)
        if text in self.fails:
            for gate in self.gates.values():
                gate.set()
            raise ChatError(f"no {text}", self.fails[text])
        return Completion(f"re {text}", self.name, Usage(3, 2, 1, 0.5), 7.0, 2)

    def count(self, text: str) -> int:
        return len(text.split())


def request(text: str, **more: Any) -> Request:
    return Request((Message("user", text),), "task", text, **more)


def run(model: Any, texts: str, memo: Memo | None = None, advance: Callable[[int], None] = lambda n: None) -> tuple[list[str], list[str]]:
    """Return the replies to one request for each letter, and the replies in the order in which they were seen."""
    seen: list[str] = []
    found = complete(model, [request(t) for t in texts], Memo() if memo is None else memo, lambda r, c: seen.append(c.text), advance)
    return [c.text for c in found], seen


@pytest.mark.parametrize("threads", [1, 4])
def test_replies_are_in_the_order_of_the_requests_and_equal_ones_are_sent_once(threads: int) -> None:
    model = Echo(threads)
    assert run(model, "abcab")[0] == ["re a", "re b", "re c", "re a", "re b"]
    assert sorted(model.asked) == ["a", "b", "c"]


def test_the_order_is_that_of_the_requests_even_when_the_first_is_the_last_to_come() -> None:
    model = Echo(2, gates={"a": threading.Event()})
    seen: list[str] = []

    def note(r: Request, c: Completion) -> None:
        seen.append(c.text)
        if c.text == "re b":
            model.gates["a"].set()

    assert [c.text for c in complete(model, [request("a"), request("b")], Memo(), note, lambda n: None)] == ["re a", "re b"]
    assert seen == ["re b", "re a"]


def test_what_is_in_the_memo_is_not_asked_for_and_comes_back_whole(tmp_path: Path) -> None:
    memo, model = Memo(tmp_path / "memo.sqlite"), Echo()
    made = complete(model, [request("a")], memo, lambda r, c: None, lambda n: None)
    again = complete(model, [request("a"), request("b")], memo, lambda r, c: None, lambda n: None)
    memo.close()
    assert model.asked == ["a", "b"]
    assert [c.remembered for c in again] == [True, False]
    assert made == [Completion("re a", "echo", Usage(3, 2, 1, 0.5), 7.0, 2)]
    assert (again[0].text, again[0].usage, again[0].ms, again[0].attempts) == (made[0].text, made[0].usage, made[0].ms, made[0].attempts)


def test_the_memo_tells_models_and_requests_apart() -> None:
    memo = Memo()
    run(Echo(), "a", memo)
    other = Echo(identity={"name": "other"})
    run(other, "a", memo)
    assert other.asked == ["a"]
    same = Echo()
    complete(same, [request("a", sample=1), request("a", temperature=0.5), request("a")], memo, lambda r, c: None, lambda n: None)
    assert same.asked == ["a", "a"]


def test_a_model_that_is_not_to_be_remembered_is_not() -> None:
    memo, model = Memo(), Echo(remember=False)
    run(model, "a", memo)
    run(model, "a", memo)
    assert model.asked == ["a", "a"]
    assert len(memo) == 0


@pytest.mark.parametrize(
    "damaged",
    [b"", b"{", b"\xff\xfe\x00", b"[1]", b'"x"', b"5", b"{}", b'{"text": 5, "model": "m", "usage": {}}', b'{"text": "x", "model": "m", "usage": {"odd": 1}}'],
)
def test_a_damaged_entry_is_asked_for_again_and_mended(damaged: bytes) -> None:
    memo, model = Memo(), Echo()
    k = key(request("a").key, model.identity)
    memo.put_many({k: damaged})
    assert run(model, "a", memo)[0] == ["re a"]
    assert json.loads(memo.get_many([k])[k])["text"] == "re a"


def test_all_completions_are_seen_those_that_are_remembered_too() -> None:
    memo = Memo()
    run(Echo(), "a", memo)
    assert run(Echo(), "ab", memo)[1] == ["re a", "re b"]


def test_progress_adds_up_to_the_requests() -> None:
    memo = Memo()
    steps: list[int] = []
    run(Echo(), "a", memo)
    run(Echo(4), "aabcc", memo, steps.append)
    assert steps == [3, 1, 1]  # a, a and the second c; b; c


@pytest.mark.parametrize("threads", [1, 3])
def test_after_a_failure_nothing_more_is_sent_and_what_came_is_kept(threads: int) -> None:
    waiting = {t: threading.Event() for t in "ac"} if threads > 1 else {}  # both are under way when b fails
    memo, model = Memo(), Echo(threads, fails={"b": "server"}, gates=waiting)
    with pytest.raises(ChatError, match="no b"):
        run(model, "abcdefghijkl", memo)
    assert len(model.asked) < 12
    assert threads > 1 or model.asked == ["a", "b"]
    kept = Echo()
    found = complete(kept, [request(t) for t in model.asked if t != "b"], memo, lambda r, c: None, lambda n: None)
    assert all(c.remembered for c in found)
    assert kept.asked == []


def test_of_several_failures_the_first_in_order_is_raised() -> None:
    model = Echo(2, fails={"a": "server", "b": "timeout"}, gates={"a": threading.Event()})
    threading.Timer(0.1, model.gates["a"].set).start()
    with pytest.raises(ChatError, match="no a"):
        run(model, "ab")


@pytest.mark.parametrize("threads", [1, 3])
def test_a_failure_with_a_place_stops_nothing_and_another_does(threads: int) -> None:
    """Each request is sent once; equal ones share what became of them."""
    model = Echo(threads, fails={"b": "refused", "d": "truncated"})
    steps: list[int] = []
    found = outcomes(model, [request(t) for t in "abcbde"], Memo(), lambda r, c: None, steps.append, frozenset({"refused", "truncated"}))
    assert [c.why if isinstance(c, ChatError) else c.text for c in found] == ["re a", "refused", "re c", "refused", "truncated", "re e"]
    assert sorted(model.asked) == ["a", "b", "c", "d", "e"]
    assert sum(steps) == 6
    model = Echo(threads, fails={"a": "refused", "b": "server"})
    with pytest.raises(ChatError, match="no b"):
        outcomes(model, [request(t) for t in "abcdefghij"], Memo(), lambda r, c: None, steps.append, frozenset({"refused"}))
    assert len(model.asked) < 10


def test_what_is_forgotten_is_asked_for_again_and_nothing_else_is() -> None:
    memo, model = Memo(), Echo()
    run(model, "ab", memo)
    forget(model, request("a"), Completion("another text", "echo"), memo)
    assert run(model, "ab", memo)[0] == ["re a", "re b"]
    assert model.asked == ["a", "b"]
    forget(model, request("a"), Completion("re a", "echo"), memo)
    run(model, "ab", memo)
    assert model.asked == ["a", "b", "a"]


def test_nothing_is_sent_when_one_request_does_not_fit() -> None:
    model = Echo(window=256)
    with pytest.raises(ChatError) as caught:
        complete(model, [request("a", max_tokens=5), request("b", max_tokens=500)], Memo(), lambda r, c: None, lambda n: None)
    assert (caught.value.why, model.asked) == ("too_long", [])


@pytest.mark.parametrize("threads", [1, 4])
def test_an_interruption_loses_nothing_that_was_paid_for(threads: int) -> None:
    """Raised where a signal would be: after the second reply. Those under way are waited for and kept, no other is begun."""
    memo, model, count = Memo(), Echo(threads), 0

    def interrupt(n: int) -> None:
        nonlocal count
        count += n
        if count == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(model, "abcdefghijkl", memo, interrupt)
    assert 2 <= len(model.asked) <= 2 + threads
    kept = Echo()
    run(kept, "".join(model.asked), memo)
    assert kept.asked == []


def test_one_completion_through_the_memo() -> None:
    memo, model = Memo(), Echo(window=256)
    heard: list[str] = []
    assert ask(model, request("a", max_tokens=5), memo).remembered is False
    again = ask(model, request("a", max_tokens=5), memo, heard.append)
    assert (again.remembered, heard, model.asked) == (True, ["re a"], ["a"])
    with pytest.raises(ChatError, match="do not fit"):
        ask(model, request("a", max_tokens=500), memo)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with started() as server:
        yield server


def test_no_more_requests_are_under_way_than_threads(endpoint: Endpoint, runtime: Runtime) -> None:
    endpoint.script = [on.later(0.1, said("hello"))]
    spec = OpenAI(model="m", base_url=endpoint.url, threads=3)
    assert len(runtime.complete(spec, [request(str(n)) for n in range(9)])) == 9
    assert endpoint.most == 3
    runtime.complete(spec, [request(str(n)) for n in range(9)])
    assert len(endpoint.asked) == 9
    assert runtime.work.completions == 9


SCRIPT = """
import sys
from pathlib import Path
from rag.chat.openai import OpenAI
from rag.memo import Memo
from rag.models.chat import Message, Request
from rag.runtime import Runtime
runtime = Runtime(Memo(Path(sys.argv[2])), show_progress=False)
requests = [Request((Message("user", str(n)),), "task", str(n)) for n in range(6)]
try:
    runtime.complete(OpenAI(model="m", base_url=sys.argv[1], threads=2), requests)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_process_that_is_interrupted_keeps_what_it_got(endpoint: Endpoint, tmp_path: Path) -> None:
    """A real SIGINT while the third and fourth request are under way: the next run asks for the others only."""
    endpoint.script = [said("hello"), said("hello"), on.later(1.5, said("hello"))]
    root = Path(__file__).parents[3]
    env = {k: v for k, v in os.environ.items() if k.lower() not in ("http_proxy", "openai_api_key")} | {"PYTHONPATH": str(root), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", SCRIPT, endpoint.url, str(tmp_path / "memo.sqlite")]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(1200):
            if len(endpoint.asked) == 4:
                break
            threading.Event().wait(0.05)
        threading.Event().wait(0.3)  # the replies to the first two are kept by now
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0].strip() == "interrupted"
    assert len(endpoint.asked) == 4
    endpoint.script = [said("hello")]
    again = subprocess.run(command, env=env, check=True, capture_output=True, text=True, timeout=120)
    assert again.stdout == ""
    assert len(endpoint.asked) == 6
