"""Reading one file without being led astray: regular files only, never through a link swapped in, never half-written."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple

from rag.loaders.base import Limit, Unreadable

NOT_REGULAR = "not a regular file"
CHANGED = "changed while it was read; index again when it is at rest"
# Without O_NONBLOCK, opening a FIFO that was put in the place of a file would wait for a writer for ever.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def os_reason(error: OSError) -> str:
    """The system's own words for a failure, such as `Permission denied`."""
    return error.strerror or type(error).__name__


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; raises `Unreadable` for anything else, a symbolic link included."""
    try:
        handle = os.open(path, _FLAGS)
    except OSError as error:
        raise Unreadable(os_reason(error)) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Unreadable(NOT_REGULAR)
    return os.fdopen(handle, "rb")


class State(NamedTuple):
    """Size and modification time of an open file: equal before and after means it held still."""

    size: int
    modified_ns: int
    modified: float


def state(file: BinaryIO) -> State:
    """What the system says of an open file now."""
    found = os.fstat(file.fileno())
    return State(found.st_size, found.st_mtime_ns, found.st_mtime)


def read_whole(file: BinaryIO, limit: Limit) -> tuple[bytes, float]:
    """Return an open file's bytes and its modification time in seconds; one that changes meanwhile is read a second time.

    Raises `Unreadable` when it is over the limit (then nothing is read), refused by the system, or still changing.
    """
    try:
        for _ in range(2):
            before = state(file)
            limit.check(before.size)
            file.seek(0)
            data = file.read(before.size + 1)
            if before == state(file) and len(data) == before.size:
                return data, before.modified
    except OSError as error:
        raise Unreadable(os_reason(error)) from None
    raise Unreadable(CHANGED)
