"""A chat endpoint that tests start: a real HTTP server on a free port that does what its script says and notes what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["Handler"], None]
USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25, "prompt_tokens_details": {"cached_tokens": 8}}


class Endpoint(ThreadingHTTPServer):
    """Does each act of `script` once, in order, and the last one again and again."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Act] = [said("hello")]
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.most = self._now = 0
        self.closing = threading.Event()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def next(self, handler: Handler, body: dict[str, Any]) -> Act:
        """Note a request and return what to do about it."""
        with self._lock:
            self.asked.append(body)
            self.headers.append({k.lower(): v for k, v in handler.headers.items()})
            self.times.append(time.monotonic())
            self._now += 1
            self.most = max(self.most, self._now)
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def done(self) -> None:
        """Note the end of a request."""
        with self._lock:
            self._now -= 1

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing when a client goes away."""


class Handler(BaseHTTPRequestHandler):
    """Reads one JSON body and acts."""

    protocol_version = "HTTP/1.1"
    server: Endpoint

    def do_POST(self) -> None:
        """Answer."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.body = body
        act = self.server.next(self, body)
        try:
            act(self)
        finally:
            self.server.done()
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Log nothing."""

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than the test lives."""
        self.server.closing.wait(seconds)

    def send(self, data: bytes, status: int = 200, kind: str = "application/json", length: int | None = None, **headers: str) -> None:
        """Send a response; `length` may lie."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def started() -> Iterator[Endpoint]:
    """Run an endpoint while the block lasts."""
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


def message(text: Any, finish: str | None = "stop", usage: Any = USAGE, **more: Any) -> dict[str, Any]:
    """Return the body of a completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": finish}
    return {"id": "1", "object": "chat.completion", "model": "m-1", "choices": [choice], **({"usage": usage} if usage else {})}


def body(data: Any, status: int = 200, **headers: str) -> Act:
    """Send JSON, or text as it is."""
    sent = data.encode() if isinstance(data, str) else json.dumps(data).encode()
    return lambda h: h.send(sent, status, **headers)


def said(text: Any, **more: Any) -> Act:
    """Reply with a text."""
    return body(message(text, **more))


def error(status: int, text: str = "no", code: str | None = None, **headers: str) -> Act:
    """Reply with an error as OpenAI words one."""
    return body({"error": {"message": text, "type": "some_error", "code": code}}, status, **headers)


def later(seconds: float, act: Act) -> Act:
    """Do something after a while."""

    def wait(h: Handler) -> None:
        h.wait(seconds)
        act(h)

    return wait


def cut_short(h: Handler) -> None:
    """Send half of what was announced, then go."""
    data = json.dumps(message("hello")).encode()
    h.send(data[: len(data) // 2], length=len(data))


def hang_up(h: Handler) -> None:
    """Go without a word."""
    h.connection.close()


def drip(h: Handler) -> None:
    """Send a byte of the body every 20 ms, for ever."""
    h.send_response(200)
    h.send_header("Content-Type", "application/json")
    h.end_headers()
    while not h.server.closing.is_set():
        h.wfile.write(b" ")
        h.wait(0.02)


def drip_headers(h: Handler) -> None:
    """Send a byte of a header every 20 ms, for ever."""
    h.wfile.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    while not h.server.closing.is_set():
        h.wfile.write(b"x")
        h.wait(0.02)


def event(text: str | None = None, finish: str | None = None, **more: Any) -> str:
    """Return one event of a stream."""
    delta = {} if text is None else {"content": text}
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}], **more})}\n\n"


def stream(*events: str, pause: float = 0.0) -> Act:
    """Send events as they are, then close; a body without a length ends when the connection does."""

    def act(h: Handler) -> None:
        h.send_response(200)
        h.send_header("Content-Type", "text/event-stream; charset=utf-8")
        h.end_headers()
        for e in events:
            h.wfile.write(e.encode())
            h.wfile.flush()
            h.wait(pause)

    return act


DONE = "data: [DONE]\n\n"
