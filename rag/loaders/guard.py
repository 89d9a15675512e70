"""What the worker may not do: no network, no programs, no files but its own code, and no more than its time and memory."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.loaders.base import Unreadable

_PREFIXES = (
    "socket.", "subprocess.", "urllib.", "http.", "ftplib.", "smtplib.", "imaplib.", "poplib.", "nntplib.", "telnetlib.", "webbrowser.",
    "os.exec", "os.fork", "os.spawn", "os.posix_spawn", "pty.", "shutil.", "tempfile.", "ctypes.", "sqlite3.", "pickle.", "fcntl.",
)  # fmt: skip
_EVENTS = frozenset(
    [
        "os.system", "os.startfile", "os.kill", "os.killpg", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
        "os.chmod", "os.lchmod", "os.chown", "os.chflags", "os.utime", "os.setxattr", "os.removexattr", "os.chdir", "signal.pthread_kill",
    ]
)  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PR_SET_PDEATHSIG = 1
_GRACE = 5  # seconds of processor beyond those of the clock: this limit is for when the clock fails


class Refusals:
    """The audit hook of this process and what it has refused; a hook can never be taken out again."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._code = tuple(f"{Path(p).absolute()}{os.sep}" for p in [sys.prefix, sys.base_prefix, *sys.path] if p)

    def install(self) -> None:
        """Refuse from now on; what is imported later is read from where Python's own files are."""
        sys.dont_write_bytecode = True
        sys.addaudithook(self._hook)

    def check(self) -> None:
        """Raise `Unreadable` when anything was refused since the last call, whether or not the parser went on without it."""
        if self._found:
            first = self._found[0]
            self._found.clear()
            raise Unreadable(f"its parser tried what no parser may: {first}")

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            what = self._open(*args)
        elif event in _EVENTS or event.startswith(_PREFIXES):
            what = event
        else:
            return
        if what:
            self._found.append(what)
            raise PermissionError(what)

    def _open(self, path: Any, mode: str | None, flags: int) -> str:
        if flags & _WRITES or (mode is not None and set(mode) & set("wax+")):
            return f"open {_shown(path)} for writing"
        if isinstance(path, int) or os.path.normpath(os.fsdecode(path)).startswith(self._code):
            return ""
        return f"open {_shown(path)}"


def _shown(path: Any) -> str:
    return ascii(path)[:200]


def alone(parent: int) -> None:
    """Make this process one that Ctrl-C does not reach and that dies with `parent`.

    The signal of the parent's death is SIGHUP: it also comes when only the thread ends that started the worker, and must
    then not read as a crash.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGALRM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGHUP))
    if os.getppid() != parent:  # it died before it could be watched
        os._exit(0)


def harmless() -> None:
    """Make this process one that cannot write files, start programs or dump core, in native code either, and is silent."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.close(nothing)
    for name in ("RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_NPROC"):
        _limit(name, 0)


def limit_memory(mb: float) -> None:
    """Hold the address space to `mb` (10^6 bytes), where the system can (macOS cannot)."""
    _limit("RLIMIT_AS", int(mb * 1_000_000))


@contextlib.contextmanager
def clock(seconds: float) -> Iterator[None]:
    """A block after whose time the system ends this process with SIGALRM, native code or not (SIGXCPU should the clock fail)."""
    _renew(seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _renew(seconds: float) -> None:
    """Keep between one and two spans of `seconds` of processor time left; setting it for every row would cost more than the rows."""
    used = time.process_time()
    soft = resource.getrlimit(resource.RLIMIT_CPU)[0]
    if soft == resource.RLIM_INFINITY or not used + seconds < soft - _GRACE < used + 2 * seconds + 2:
        _limit("RLIMIT_CPU", int(used + 2 * seconds) + 1 + _GRACE)


def _limit(name: str, value: int) -> None:
    number = getattr(resource, name, None)
    if number is not None:
        with contextlib.suppress(ValueError, OSError):
            hard = resource.getrlimit(number)[1]
            resource.setrlimit(number, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
