"""Anonymous memory of this process and of those it started: what cannot be dropped as pages of files can."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_MEGABYTE = 1e6


def anonymous(process: int | str = "self") -> float:
    """Return the anonymous memory of a process in 10^6 bytes, 0 where it is gone (Linux)."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Anonymous:"):
                return 1024 * int(line.split()[1]) / _MEGABYTE
    return 0.0


def children(process: int | str = "self") -> list[int]:
    """Return the processes that a process started and that are not gone."""
    found: set[int] = set()
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            found |= set(map(int, path.read_text(encoding="ascii").split()))
    return sorted(found)


class Peak:
    """`with Peak() as peak:` looks every so often: `own` and `started` are the most that was seen of this process and of those it started together."""

    def __init__(self, seconds: float = 0.5) -> None:
        """Look every `seconds`."""
        self.own = self.started = 0.0
        self._seconds, self._stop = seconds, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def look(self) -> None:
        """Look now."""
        self.own = max(self.own, anonymous())
        self.started = max(self.started, sum(map(anonymous, children())))

    def _watch(self) -> None:
        while not self._stop.wait(self._seconds):
            self.look()

    def __enter__(self) -> Peak:
        self.look()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self.look()
