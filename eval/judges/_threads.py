"""One thread for numpy's matrix products: those of a judge are many and small, and threads that wait for the next one hold a processor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute matrix products of numpy in the calling thread while the block runs, then as before. Encoders have threads of their own and keep them."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield
