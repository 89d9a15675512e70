"""A competitor's process: started in its environment, given orders, its memory watched, ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from rag.errors import RagError

REPOSITORY = Path(__file__).parents[3]
PATIENCE = 900.0  # seconds for one order
PAUSE = 0.05  # seconds between two looks at memory
QUIET = {"HF_HUB_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False", "ANONYMIZED_TELEMETRY": "False", "TOKENIZERS_PARALLELISM": "true"}


class Failed(RagError):
    """A competitor's process ended or gave no answer."""


class Process:
    """One fresh process. Use as a context manager."""

    def __init__(self, python: str, command: Sequence[str], folder: Path) -> None:
        """Start `python command...` in the repository, what it says on standard error into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._said = folder / "stderr.txt"
        environment = {**os.environ, **QUIET, "PYTHONPATH": str(REPOSITORY), "RAG_CACHE_DIR": str(folder / "cache")}
        with self._said.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own module in an environment of ours
                [python, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=REPOSITORY
            )

    def order(self, do: str, **rest: Any) -> dict[str, Any]:
        """Send an order and return the answer, with memory in MB under `memory` and seconds of processor time under `cpu`. Raises `Failed` with the process's last words."""
        with Watch(self._process.pid) as watch, _Timer(self._process):
            try:
                stream = cast(Any, self._process.stdin)
                stream.write(json.dumps({"do": do, **rest}).encode() + b"\n")
                stream.flush()
                line = cast(Any, self._process.stdout).readline()
            except OSError:
                line = b""
        if not line:
            code = self._process.wait()
            words = self._said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise Failed(f"it ended ({code}): {words[-1][:300] if words else 'no word'}")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise Failed(str(answer["failed"]))
        return {**answer, "memory": watch.seen(), "cpu": watch.spent()}

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(OSError):
            cast(Any, self._process.stdin).close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        cast(Any, self._process.stdout).close()


class _Timer:
    """Ends a process that does not answer."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._timer = threading.Timer(PATIENCE, process.kill)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


class Watch:
    """Adds up the anonymous memory of a process and those below it every 50 ms."""

    def __init__(self, pid: int) -> None:
        """Watch while the block runs."""
        self._pid, self._stop = pid, threading.Event()
        self._before = self._peak = anonymous(pid)
        self._worked = worked(pid)
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._stop.wait(PAUSE):
            self._peak = max(self._peak, anonymous(self._pid))

    def seen(self) -> dict[str, float]:
        """Return MB before, at most, and after."""
        after = anonymous(self._pid)
        return {"before": self._before, "peak": max(self._peak, after), "after": after}

    def spent(self) -> float:
        """Return the seconds of processor time, of all threads and processes."""
        return round(worked(self._pid) - self._worked, 2)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def anonymous(pid: int) -> float:
    """Return the anonymous memory of a process and those below it in MB; 0 where Linux does not say."""
    total = 0.0
    for one in [pid, *below(pid)]:
        with suppress(OSError, ValueError, IndexError):
            lines = Path(f"/proc/{one}/status").read_text(encoding="utf-8").splitlines()
            total += next((int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), 0) / 1024
    return round(total, 1)


def worked(pid: int) -> float:
    """Return the seconds of processor time of a process and those below it, ended ones included; 0 where Linux does not say."""
    ticks = 0
    for one in [pid, *below(pid)]:
        with suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # own and of children that ended, user and system
    return ticks / os.sysconf("SC_CLK_TCK")


def below(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they did."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += [int(n) for n in (task / "children").read_text(encoding="utf-8").split()]
    return [*found, *(n for child in found for n in below(child))]


def disk(folder: Path) -> float:
    """Return the MB that files below a folder take on disk."""
    return round(sum(p.stat().st_blocks * 512 for p in folder.rglob("*") if p.is_file()) / 1e6, 1)


def script(module: str) -> list[str]:
    """Return the arguments of Python that start a competitor's script."""
    return ["-m", f"eval.bench.peers.scripts.{module}"]


OWN_PYTHON = sys.executable
