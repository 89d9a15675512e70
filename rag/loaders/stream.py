"""Files on their way through the worker: a few are asked for ahead, and a document that kills it is the only one lost."""

from __future__ import annotations

import atexit
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

from rag.loaders.jobs import Job, Reply
from rag.loaders.limits import Limits
from rag.loaders.remote import SPARE, Died, Worker

WINDOW = 32  # jobs ahead: their requests fit the socket's buffer, so sending never waits for a worker that waits to be read
_TRIES = 3  # when somebody else keeps ending the worker


class Stream:
    """Jobs in, their replies out in the same order; holds one worker from the first job until `close`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._jobs: deque[Job] = deque()
        self._worker: Worker | None = None
        _OPEN.add(self)

    def add(self, job: Job) -> None:
        """Take a job, and close its files when it is done. No more than `WINDOW` may wait. Raises `CorpusError`."""
        self._jobs.append(job)
        if self._worker is None:
            self._start(SPARE.take())
        else:
            self._ask(self._worker, job)

    def replies(self) -> Iterator[Reply]:
        """Yield the replies of the oldest job up to its last one, whatever becomes of the worker. Raises `CorpusError`.

        A worker that crashed, or ran out of memory, after other files may have been harmed by those: the file is read
        once more by a new one, and is at fault when that ends too.
        """
        seen, tries, number = 0, 0, None
        while True:
            worker = self._worker or self._start(Worker())
            used = worker.done > 0
            try:
                for reply in _from(worker, seen):
                    if reply.last:
                        self._finish()
                        yield reply
                        return
                    seen, number = seen + 1, reply.number
                    yield reply
            except Died as died:
                self._worker, tries = None, tries + 1
                if (died.outside and tries < _TRIES) or (used and not died.slow and not died.outside):
                    continue
                self._finish()
                yield Reply(reason=str(died) if number is None else f"{died}; nothing after line {number} is read", last=True)
                return

    def close(self) -> None:
        """Give the worker back, or end it when it still owes replies."""
        worker, self._worker = self._worker, None
        if worker and self._jobs:
            worker.stop()
        elif worker:
            SPARE.give(worker)
        while self._jobs:
            self._finish()
        _OPEN.discard(self)

    def forget(self) -> None:
        """Let go of a worker that belongs to the parent of this process."""
        if self._worker:
            self._worker.forget()
        self._worker = None

    def _start(self, worker: Worker) -> Worker:
        self._worker = worker
        try:
            worker.limit(self._limits)
        except OSError:  # it is gone, which its first reply will tell
            return worker
        for job in self._jobs:
            self._ask(worker, job)
        return worker

    def _ask(self, worker: Worker, job: Job) -> None:
        with suppress(OSError):  # as above
            worker.ask(job)

    def _finish(self) -> None:
        job = self._jobs.popleft()
        job.file.close()
        if job.sidecar_file:
            job.sidecar_file.close()


# Held here, a stream whose generator is garbage is whole when it is closed; the collector may have finalized its parts first.
_OPEN: set[Stream] = set()


def close_all() -> None:
    """End every worker of this process."""
    for stream in tuple(_OPEN):
        stream.close()
    SPARE.close()


def _forget_all() -> None:
    for stream in tuple(_OPEN):
        stream.forget()
    SPARE.forget()


atexit.register(close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _from(worker: Worker, seen: int) -> Iterator[Reply]:
    """Yield replies without those that an earlier worker gave already."""
    while True:
        reply = worker.reply()
        if seen and not reply.last:
            seen -= 1
            continue
        yield reply
