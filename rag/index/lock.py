"""One builder at a time: advisory locks on files, released by the kernel when their holder dies."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import StoreError
from rag.index.manifest import unfinished


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold `path/lock` while the block runs. Raises `StoreError` naming the holder when it is taken."""
    try:
        file = (path / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}); check the permissions") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise StoreError(f"{path} is being built by process {file.read().strip() or 'unknown'}; wait for it or stop it") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def hold(folder: Path, wait: bool = True) -> int:
    """Lock a folder until the handle returned is closed or this process is dead; waits for who holds it, or raises `OSError`."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(handle)
        raise
    return handle


def sweep(index: Path, prefix: str = "") -> None:
    """Remove the generations that no pointer names, those whose name has a prefix; the caller holds the lock.

    A writer process whose parent was killed may live for an instant more: it is waited for.
    """
    for folder in unfinished(index):
        if not folder.name.startswith(prefix):
            continue
        handle = hold(folder)
        try:
            shutil.rmtree(folder)
        finally:
            os.close(handle)
