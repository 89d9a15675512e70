"""`python -m rag.loaders.worker`: reads the files it is handed over its standard input, one after the other, until that ends."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import BinaryIO

from rag.loaders import guard
from rag.loaders.base import formats
from rag.loaders.jobs import Job, Reply, read_job
from rag.loaders.limits import Limits
from rag.loaders.wire import Channel

OUT_OF_MEMORY = 77  # exit status
_TOGETHER, _SOON = 1 << 15, 0.05  # bytes, seconds


def main() -> None:
    """Serve the process that started this one; its id is the first argument."""
    guard.alone(int(sys.argv[1]))
    channel = Channel(socket.socket(fileno=os.dup(0)))
    formats()
    refusals = guard.Refusals()
    guard.harmless()
    refusals.install()
    try:
        channel.send({"ready": True})
        _serve(channel, refusals.check)
    except OSError:  # nobody is there any more
        pass
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _serve(channel: Channel, check: Callable[[], None]) -> None:
    limits = Limits()
    while (request := channel.receive_files()) is not None:
        head, handles = request
        if "limits" in head:
            limits = Limits(**head["limits"])
            guard.limit_memory(limits.parse_memory_mb)
            continue
        files = [os.fdopen(handle, "rb") for handle in handles]
        try:
            _send(channel, read_job(_job(head["suffix"], head["sidecar"], files), limits, partial(guard.clock, limits.parse_seconds), check))
        finally:
            for file in files:
                file.close()


def _send(channel: Channel, replies: Iterator[Reply]) -> None:
    """Send replies as they come, small and quick ones together: each sending costs more than reading a row."""
    sent = time.monotonic()
    for reply in replies:
        size = channel.put(*reply.as_frame())
        if reply.last or size >= _TOGETHER or time.monotonic() > sent + _SOON:
            channel.flush()
            sent = time.monotonic()


def _job(suffix: str, sidecar: str, files: Sequence[BinaryIO]) -> Job:
    return Job(suffix, files[0], sidecar, files[1] if sidecar else None)


if __name__ == "__main__":
    main()
