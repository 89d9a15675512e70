"""One HTTP request with a JSON body: held to a total time and a size, no redirect followed, the key in one header and nowhere else."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any

from rag.errors import ChatError

if TYPE_CHECKING:
    import ssl

    import httpx

MOST_BYTES = 8 * 2**20  # of a reply: the longest windows of today hold less than this
MOST_ERROR = 64 * 2**10  # bytes of an error page that are read
CONNECT = 10.0  # seconds for a connection to be made
Listener = Callable[[str], None]


@dataclass(frozen=True)
class Reply:
    """A status, headers by lower-case name, and the body; the events of a stream went to the listener and are not in it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    streamed: bool


class Watch:
    """Ends a connection when its time is up. The timeouts of a socket are for one read, and an endless drip is many short ones."""

    def __init__(self, seconds: float) -> None:
        """Start the clock."""
        self.expired, self._over = False, False
        self._lock = Lock()
        self._socket: socket.socket | None = None
        self._timer = Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Watch:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._over = True  # the number of a closed socket may be another's by now

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note the socket of the connection; httpx calls this for each step of a request (its extension `trace`)."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                late = self.expired
            if late:
                self._cut()

    def _cut(self) -> None:
        with self._lock:
            self.expired = True
            if self._socket is not None and not self._over:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # not that of SSLSocket: it takes away what another thread reads from


def post(url: str, body: Mapping[str, Any], secret: str | None, seconds: float, listener: Listener) -> Reply:
    """Send a JSON body and return the reply; of a stream of events (SSE) each one's data goes to `listener` as it comes.

    Raises `ChatError`: `timeout` after so many seconds over all, `unreachable`, `disconnected`, `malformed` for more than
    `MOST_BYTES`; and what `listener` raises.
    """
    import httpx

    host = httpx.URL(url).netloc.decode()
    content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Accept-Encoding": "identity", "User-Agent": "spanwise"}
    limits = httpx.Timeout(seconds, connect=min(seconds, CONNECT))
    with Watch(seconds) as watch:
        try:
            with (
                httpx.Client(verify=_tls(), timeout=limits, follow_redirects=False) as client,  # a connection each: none can have gone stale
                client.stream("POST", url, content=content, headers=headers, auth=_bearer(secret), extensions={"trace": watch.trace}) as response,
            ):
                return _read(response, watch, host, listener)
        except httpx.HTTPError as error:
            raise _failure(error, watch, host, seconds) from None


def _read(response: httpx.Response, watch: Watch, host: str, listener: Listener) -> Reply:
    headers = {k.lower(): v for k, v in response.headers.items()}
    streamed = response.is_success and headers.get("content-type", "").startswith("text/event-stream")
    chunks = _capped(response.iter_bytes(), watch, host, MOST_BYTES if response.is_success else MOST_ERROR, cut=not response.is_success)
    if not streamed:
        return Reply(response.status_code, headers, b"".join(chunks), streamed=False)
    for data in events(chunks):
        listener(data)
        if data == "[DONE]":
            break  # an endpoint may keep the connection open
    return Reply(response.status_code, headers, b"", streamed=True)


def _capped(chunks: Iterable[bytes], watch: Watch, host: str, most: int, cut: bool) -> Iterator[bytes]:
    """Yield what arrives up to `most` bytes, then stop (`cut`) or raise; raises `ReadTimeout` when time was up meanwhile."""
    import httpx

    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most and cut:
            return
        if size > most:
            raise ChatError(f"{host} sent more than {most >> 20} MB, which is no reply; check base_url", "malformed")
        if watch.expired:
            break
        yield chunk
    if watch.expired:  # the end of a body without a length is then no end
        raise httpx.ReadTimeout("time is up")


def events(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the data of each server-sent event. Linear in the bytes; lines end at CR LF, LF or CR, as the standard says (WHATWG, 9.2.6)."""
    data: list[bytes] = []
    for line in _lines(chunks):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            yield b"\n".join(data).decode("utf-8", "replace")
            data = []
    if data:  # the last event of a stream that ends without its blank line: what it says is judged by who listens
        yield b"\n".join(data).decode("utf-8", "replace")


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    returned = False  # the last chunk ended with CR: an LF at the start of the next belongs to it
    for chunk in filter(None, chunks):
        if returned and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        returned = chunk.endswith(b"\r")
        *whole, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            yield b"".join((*held, line))
            held = []
        held.append(rest)
    if any(held):
        yield b"".join(held)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


def _bearer(secret: str | None) -> Callable[[httpx.Request], httpx.Request]:
    """Return what puts the key into a request; a URL and a netrc file are not asked for one."""

    def sign(request: httpx.Request) -> httpx.Request:
        if secret is not None:
            request.headers["Authorization"] = f"Bearer {secret}"
        return request

    return sign


def _failure(error: httpx.HTTPError, watch: Watch, host: str, seconds: float) -> ChatError:
    import httpx

    kind = type(error).__name__
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)) and not watch.expired:
        why = " ".join(str(error).split())[:200]
        if "CERTIFICATE_VERIFY_FAILED" in why:  # asking again does not help, and asking somebody else would hide it
            return ChatError(f"{host} cannot be trusted ({why}); check base_url, or name the certificates to trust in SSL_CERT_FILE", "rejected")
        return ChatError(f"{host} cannot be reached ({kind}: {why}); check base_url and the network", "unreachable")
    if watch.expired or isinstance(error, httpx.TimeoutException):
        return ChatError(f"{host} did not finish a reply in {seconds:.3g} s; raise timeout, ask for fewer max_tokens, or ask another model", "timeout")
    return ChatError(f"{host} broke the connection off ({kind}); ask again or ask another model", "disconnected")
