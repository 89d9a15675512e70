"""Batches computed side by side: each in one thread on one core, which wastes less than one batch spread over all cores.

A small batch spread over cores makes them wait for each other in every layer, all the longer where other programs run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import perf_counter
from typing import TypeVar

from rag.models.quicker import Quicker

T = TypeVar("T")
R = TypeVar("R")


class Workers:
    """As many threads as torch would use cores, each of which computes on one; or none, with `one`."""

    def __init__(self, one: bool = False) -> None:
        import torch

        self.count = count = 1 if one else torch.get_num_threads()
        self._pool = ThreadPoolExecutor(count, "pairs") if count > 1 else None
        self._lone = Quicker()
        if self._pool is not None:
            meet = Barrier(count)
            list(self._pool.map(lambda _: _alone(meet), range(count)))
            torch.set_num_threads(count)  # for threads to come: the number is that of the last call in any thread

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Return `work` of each item, in order; raises what it raises. A lone item is computed on all cores."""
        if self._pool is None or len(items) < 2:
            return [work(i) for i in items]
        return list(self._pool.map(work, items))

    def lone(self, work: Callable[[T], R], item: T, size: int) -> R:
        """Return `work` of one item: computed on all cores, or in a thread on one, whichever was quicker of late for items of about that size.

        All cores take two thirds of the time where nothing else runs. Where they do not all run at once, each waits for the others in every layer,
        and it takes ten times as long as one core alone.
        """
        if self._pool is None:
            return work(item)
        way, start = self._lone.way(), perf_counter()
        found = self._pool.submit(work, item).result() if way else work(item)
        self._lone.took(way, (perf_counter() - start) / size)
        return found


def _alone(meet: Barrier) -> None:
    """Have torch use one core in this thread, once every thread has come, so that each does so."""
    import torch

    torch.get_num_threads()  # a thread that was never asked forgets what it is told
    torch.set_num_threads(1)
    meet.wait()
