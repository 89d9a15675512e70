"""The legs of a fusion: keyword search in a thread of its own while the question is embedded and vectors are compared."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextvars import copy_context
from functools import cache
from typing import TYPE_CHECKING

from rag.index.reader import Reader
from rag.stages import Retriever
from rag.types import Query, Ranking

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

THREADS = 4  # for all callers of a process; a leg that finds none free is asked by its caller


def ranked(legs: Sequence[Retriever], query: Query, reader: Reader) -> list[Ranking]:
    """Return what each leg finds, in their order: the same as asking one after the other, which is done where a reader takes no two at once."""
    aside = [leg for leg in legs if leg.aside]
    if not 0 < len(aside) < len(legs) or query.feedback is not None or not reader.takes_threads:
        return [leg.rank(query, reader) for leg in legs]
    begun: list[Future[Ranking] | None] = []
    try:
        for leg in aside:
            begun.append(_begun(leg, query, reader))
        own = [None if leg.aside else leg.rank(query, reader) for leg in legs]
        found = iter([leg.rank(query, reader) if waiting is None or waiting.cancel() else waiting.result() for leg, waiting in zip(aside, begun, strict=True)])
        return [ranking if ranking is not None else next(found) for ranking in own]
    finally:  # nothing may read the index once this has failed
        for waiting in begun:
            if waiting is not None and not waiting.cancel():
                waiting.exception()


def _begun(leg: Retriever, query: Query, reader: Reader) -> Future[Ranking] | None:
    """Have a thread ask a leg, None where there can be none: the interpreter is about to end, or the system gives no more."""
    try:
        return _pool().submit(copy_context().run, leg.rank, query, reader)
    except RuntimeError:
        return None


@cache
def _pool() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(THREADS, "keyword-leg")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has none of its parent's threads
