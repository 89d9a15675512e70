"""Formats for tests alone, whose documents say what their parser is to do: run in the worker by `test_worker`."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from rag.loaders.base import Limit, Parsed, Unreadable, by_line, whole

DONE: list[str] = []


def _spin() -> None:
    while True:
        pass


def _eat() -> object:
    return [b"x" * 100_000_000 for _ in range(100)]


def _harmed() -> None:
    if DONE:
        faulthandler._sigsegv()  # type: ignore[attr-defined]  # undocumented, and just what is needed


def _quietly_write() -> None:
    with contextlib.suppress(OSError):
        Path("/tmp/spanwise-must-not-exist").write_text("x")


ACTS: dict[str, Callable[[], object]] = {
    "sleep": lambda: time.sleep(1000),
    "spin": _spin,
    "eat": _eat,
    "segv": faulthandler._sigsegv,  # type: ignore[attr-defined]  # as above
    "abort": os.abort,
    "exit": lambda: os._exit(3),
    "terminated": lambda: signal.raise_signal(signal.SIGTERM),
    "harmed": _harmed,
    "connect": lambda: socket.create_connection(("127.0.0.1", 9)),
    "resolve": lambda: socket.getaddrinfo("example.org", 80),
    "url": lambda: urllib.request.urlopen("http://169.254.169.254/latest"),
    "run": lambda: subprocess.run(["true"], check=True),
    "system": lambda: os.system("true"),
    "fork": os.fork,
    "write": lambda: Path("/tmp/spanwise-must-not-exist").write_text("x"),
    "quietly": _quietly_write,
    "read": lambda: Path("/etc/passwd").read_text(),
    "remove": lambda: os.remove("/tmp/spanwise-not-there"),
    "print": lambda: sys.stdout.write("noise"),
}


def _act(words: str) -> Parsed:
    ACTS.get(words.strip(), lambda: None)()
    DONE.append(words)
    return Parsed(words)


@whole(".odd")
def parse(data: bytes, limit: Limit) -> Parsed:
    """Do what the document says."""
    return _act(data.decode())


@by_line(".odds")
def parse_lines(file: BinaryIO, limit: Limit) -> Iterator[tuple[int, Parsed | Unreadable]]:
    """Do what each line says."""
    for number, line in enumerate(file, 1):
        yield number, _act(line.decode())
