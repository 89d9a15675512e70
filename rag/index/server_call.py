"""One request to a Qdrant server: repeated where that can help, and every failure one line that names the fix."""

from __future__ import annotations

import itertools
import random
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import httpx
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from rag.errors import StoreError
from rag.index.server_options import KEY_VARIABLE

T = TypeVar("T")
BASE, CAP = 0.2, 10.0  # seconds: the pause before the first repetition, and the longest
_GRPC = {
    "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504, "RESOURCE_EXHAUSTED": 429, "ABORTED": 503, "INTERNAL": 500,
    "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "NOT_FOUND": 404, "ALREADY_EXISTS": 409,
}  # fmt: skip
_FIXES = {
    401: f"set {KEY_VARIABLE} to a key of this server",
    403: f"set {KEY_VARIABLE} to a key that may do this: searching needs read access to the collection, indexing needs write access",
    404: "check the collection's name, or build the index first",
    413: "raise the server's service.max_request_size_mb to 32 or more",
    429: "lower the load on the server, or give more &retries=",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong with one attempt: whether another may help, after how many seconds if the server said so."""

    text: str
    fix: str
    again: bool = False
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Runs requests to one server. `hide` takes secrets out of a text; `local` says that the engine is in this process and warns of it."""

    address: str
    retries: int
    hide: Callable[[str], str] = str
    local: bool = False
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def __call__(self, doing: str, action: Callable[[], T]) -> T:
        """Return what `action` returns. It must be safe to repeat. Raises `StoreError`, whatever went wrong."""
        for attempt in itertools.count(1):
            try:
                with self._quiet():
                    return action()
            except StoreError:
                raise
            except Exception as error:
                fault = diagnose(error)
                if not fault.again or attempt > self.retries:
                    tries = f" {attempt} times" if attempt > 1 else ""
                    raise StoreError(self.hide(f"{self.address}: {doing} failed{tries}: {fault.text}; {fault.fix}")) from None
            self.sleep(pause(attempt, fault.after, self.jitter()))
        raise AssertionError  # the loop above does not end

    def _quiet(self) -> AbstractContextManager[object]:
        return _local_mode() if self.local else nullcontext()


def pause(attempt: int, after: float | None, jitter: float) -> float:
    """Return the seconds to wait after an attempt (from 1): half to all of 0.2, 0.4, 0.8 ... 10, but what the server asked for up to 10."""
    wait = min(CAP, BASE * 2.0 ** (attempt - 1)) * (0.5 + jitter / 2)
    return wait if after is None else min(CAP, max(wait, after))


def diagnose(error: Exception) -> Fault:
    """Say what an exception of the client means. Only lost connections, timeouts, 429 and 5xx are worth another attempt."""
    if isinstance(error, ResourceExhaustedResponse):
        return Fault(f"the server is busy (429{_line(error.message)})", _FIXES[429], again=True, after=float(error.retry_after_s))
    if isinstance(error, QdrantException):  # a Retry-After that is no number of seconds
        return Fault("the server is busy (429)", _FIXES[429], again=True)
    if isinstance(error, UnexpectedResponse):
        return _status(error.status_code or 0, _said(error))
    if isinstance(error, ResponseHandlingException):
        return _transport(error.source)
    code = getattr(error, "code", None)
    if callable(code):  # grpc.RpcError, without importing grpc
        details = getattr(error, "details", str)
        return _status(_GRPC.get(getattr(code(), "name", ""), 400), str(details() or ""))
    if isinstance(error, (AttributeError, AssertionError, TypeError)):  # the client stumbled over a part that is not there
        return _unreadable(error)
    return Fault(f"the engine refuses{_line(str(error) or type(error).__name__)}", "check that this index was built with this configuration")


def _transport(error: Exception) -> Fault:
    if isinstance(error, httpx.TimeoutException):
        return Fault("no answer in time", "see whether the server is overloaded, or raise &timeout=", again=True)
    if isinstance(error, httpx.TransportError) and not isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return Fault(f"no connection{_line(str(error))}", "start the server, or correct the URL", again=True)
    return _unreadable(error)


def _unreadable(error: Exception) -> Fault:
    return Fault(f"what came back is not the answer of a Qdrant server ({type(error).__name__})", "check host and port, and that no proxy answers instead")


def _status(status: int, said: str) -> Fault:
    if status == 429 or status >= 500:
        fix = _FIXES.get(status, "look at the server's log and disk space, then run the same command again")
        return Fault(f"the server {'is busy' if status == 429 else 'fails'} ({status}{_line(said)})", fix, again=True)
    default = "check that the server is Qdrant 1.19 or later and that this index was built with this configuration"
    return Fault(f"the server refuses ({status}{_line(said)})", _FIXES.get(status, default))


def _said(error: UnexpectedResponse) -> str:
    """Return the message that Qdrant puts into the body of an error; nothing of a body of another kind."""
    try:
        return str(error.structured()["status"]["error"])
    except (ValueError, KeyError, TypeError):
        return ""


def _line(text: str) -> str:
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f": {''.join(c for c in first if c.isprintable())[:200]}" if first else ""


class _local_mode(warnings.catch_warnings):  # noqa: N801  # used as a function
    """Silence the warnings that say an engine in memory has no indexes: that is what it is chosen for, in tests."""

    def __enter__(self) -> None:
        super().__enter__()
        for text in ("Local mode performs exact", "Payload indexes have no effect in the local Qdrant", "Local mode is not recommended for collections"):
            warnings.filterwarnings("ignore", message=text, category=UserWarning)
