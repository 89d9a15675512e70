"""Verdicts on their way to the memo: many in one transaction while a block of work goes on, each at once outside of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import RLock

from rag.errors import StoreError
from rag.runtime import Runtime

MOST = 256  # verdicts that wait at most: so many are judged again after the process was killed, none after an interrupt or an error
SECONDS = 1.0  # what has waited so long is written with the next one


class Buffer:
    """Stands before a runtime's memo; what waits can be read. Several threads may use it."""

    def __init__(self, runtime: Runtime, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the runtime whose memo to write to."""
        self._runtime, self._clock = runtime, clock
        self._waiting: dict[str, bytes] = {}
        self._since, self._depth = 0.0, 0
        self._lock = RLock()

    def get_many(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the values that wait or are in the memo, by key. Raises `StoreError` as the memo does."""
        with self._lock:
            found = {n: self._waiting[n] for n in names if n in self._waiting}
        rest = [n for n in names if n not in found] if found else names
        return found | self._runtime.memo.get_many(rest) if rest else found

    def put(self, name: str, value: bytes) -> None:
        """Keep a value: at once outside of `held`, else when many or old ones wait. Raises `StoreError` when the memo cannot be written."""
        with self._lock:
            if not self._waiting:
                self._since = self._clock()
            self._waiting[name] = value
            if not self._depth or len(self._waiting) >= MOST or self._clock() - self._since >= SECONDS:
                self._write()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Write in batches while the block runs; at its end all is written, however it ends."""
        with self._lock:
            self._depth += 1
        try:
            yield
        except BaseException:
            with suppress(StoreError):  # what ended the block is said, not that the memo cannot be written
                self._left()
            raise
        self._left()

    def _left(self) -> None:
        with self._lock:
            self._depth -= 1
            if not self._depth:
                self._write()

    def _write(self) -> None:
        if self._waiting:
            self._runtime.memo.put_many(self._waiting)
            self._waiting = {}
