"""One thread for numpy's matrix products: those of a judge are many and small, and threads that wait for the next one hold a processor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any


class _Limit:
    """The limit of this process, from the first block that wants it to the end of the last, whichever threads they are in."""

    def __init__(self) -> None:
        self._lock, self._blocks = Lock(), 0
        self._holds: Any = None

    def begin(self) -> None:
        from threadpoolctl import threadpool_limits

        with self._lock:
            if not self._blocks:
                self._holds = threadpool_limits(1, user_api="blas")
            self._blocks += 1

    def end(self) -> None:
        with self._lock:
            self._blocks -= 1
            if not self._blocks:
                self._holds.restore_original_limits()


_LIMIT = _Limit()


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute matrix products of numpy in the calling thread while the block runs, and as before once the last such block of the process has ended.

    Torch computes encoders with a library of its own and is not limited, unless it was built upon numpy's.
    """
    _LIMIT.begin()
    try:
        yield
    finally:
        _LIMIT.end()
