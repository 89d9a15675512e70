"""An append-only log of what was read from an index, by whom and when, without any text in it.

    PATH          JSON Lines, one record per read, newest last; PATH.1 is the file before, up to PATH.N
    PATH.key      the key of the query hashes, made once

Every line is `{"time", "tenant", "generation", "read", "ids"}`, with `scores` of a search, `space` where there is one,
`span` of a text, and `query` where a question was being answered: a keyed hash, the same for the same question within
one log. `AuditLog(PATH).hashed("the question")` gives it, so whoever may read the key can look for a question; without
the key nobody can try questions out, as one could with a plain hash. Delete the key to make old hashes untraceable.

A record is whole or not there, in the order of the file: one write to a file opened to append, under a lock on that
file. It is not synced: a power cut may lose the last ones. The log shows what this program read, not what somebody did
with the files of the index or with the log itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal

from rag.errors import StoreError

VARIABLE = "RAG_AUDIT_LOG"
MAX_BYTES = 64 * 10**6  # of one file
KEEP = 10  # files before the current one
BATCH = 1000  # chunks of a scroll in one record
_KEY_BYTES = 32
Read = Literal["search", "chunks", "text", "vectors", "scroll", "document"]

# The question being answered in this thread or task. A retriever sees vectors and rewritten questions; the log names the one that was asked.
_ASKED: ContextVar[str | None] = ContextVar("asked", default=None)


@contextmanager
def asking(text: str) -> Iterator[None]:
    """Have the reads within the block recorded as those of one question; the outermost question counts."""
    before = _ASKED.set(text if _ASKED.get() is None else _ASKED.get())
    try:
        yield
    finally:
        _ASKED.reset(before)


class AuditLog:
    """A log that threads and processes may share, forked ones too: it keeps no file open between records."""

    def __init__(self, path: Path | str, max_bytes: int = MAX_BYTES, keep: int = KEEP) -> None:
        """Create the log and its key where they are missing.

        A file that would grow beyond `max_bytes` is set aside, and the oldest of more than `keep` is deleted. Raises
        `StoreError` when either file cannot be used, and `ValueError` for bounds below 1.
        """
        if max_bytes < 1 or keep < 1:
            raise ValueError("max_bytes and keep must be at least 1")
        self.path, self._max_bytes, self._keep = Path(path), max_bytes, keep
        with self._guarded():
            os.close(self._open())
        self._key = _key(self.path.with_name(f"{self.path.name}.key"))

    def hashed(self, text: str) -> str:
        """Return the hash that stands for a question in this log: BLAKE2b under the key, 128 bits."""
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).hexdigest()

    def record(
        self,
        read: Read,
        ids: Sequence[str],
        *,
        tenant: str | None,
        generation: str,
        scores: Sequence[float] | None = None,
        space: str | None = None,
        span: tuple[int, int] | None = None,
    ) -> None:
        """Append one read; to be called before its result is handed out. Raises `StoreError` when it cannot be written."""
        asked = _ASKED.get()
        row: dict[str, Any] = {"time": datetime.now(UTC).isoformat(), "tenant": tenant, "generation": generation, "read": read, "ids": list(ids)}
        known = {"scores": scores, "space": space, "span": span, "query": None if asked is None else self.hashed(asked)}
        row.update({k: v for k, v in known.items() if v is not None})
        line = json.dumps(row, allow_nan=False).encode("ascii") + b"\n"
        with self._guarded():
            self._append(line)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"{self.path}: the audit log cannot be written ({error.strerror or error}), so nothing is read; see to the file") from None

    def _open(self) -> int:
        """Return the file, open to append. Raises `OSError` when it is a link or no regular file."""
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError("it is no regular file")
        return file

    def _append(self, line: bytes) -> None:
        import fcntl  # here, because pipelines are made on systems without it too

        while True:
            file = self._open()
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                size = os.fstat(file).st_size
                if not self._is_current(file):
                    continue  # set aside by another process while this one waited
                if size and size + len(line) > self._max_bytes:
                    self._rotate()
                    continue
                return _write(file, size, line)
            finally:
                os.close(file)

    def _is_current(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), self.path.lstat())
        except FileNotFoundError:
            return False

    def _rotate(self) -> None:
        """Set the file aside; the caller holds its lock. A crash between two renames leaves a gap in the numbers and loses nothing."""
        aside = [self.path, *(self.path.with_name(f"{self.path.name}.{n}") for n in range(1, self._keep + 1))]
        free = next((n for n, p in enumerate(aside) if n and not p.exists()), self._keep)
        for n in range(free, 0, -1):
            aside[n - 1].replace(aside[n])


def _write(file: int, size: int, line: bytes) -> None:
    """Append a line with one write, or leave the file as it was. A line that a crash cut short is closed first."""
    if size and os.pread(file, 1, size - 1) != b"\n":
        line = b"\n" + line
    try:
        if os.write(file, line) < len(line):
            raise OSError("no space left")
    except OSError:
        os.ftruncate(file, size)
        raise


def _key(path: Path) -> bytes:
    """Return the key, made on first use: written aside and linked into place, so that of several processes one makes it."""
    try:
        if not path.exists():
            _create(path, f"{token_hex(_KEY_BYTES)}\n".encode())
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            mode, text = os.fstat(file).st_mode, os.read(file, 4 * _KEY_BYTES)
        finally:
            os.close(file)
        key = bytes.fromhex(text.decode("ascii"))
    except OSError as error:
        raise StoreError(f"{path}: the key of the audit log cannot be used ({error.strerror or error}); check the path and its permissions") from None
    except ValueError:
        key, mode = b"", 0
    if mode & 0o077:
        raise StoreError(f"{path}: others may read the key of the audit log; `chmod 600` it")
    if len(key) != _KEY_BYTES:
        raise StoreError(f"{path}: holds no key of an audit log; restore it, or delete it for a new one, which ends the comparison with older queries")
    return key


def _create(path: Path, data: bytes) -> None:
    aside = path.with_name(f".{path.name}.{token_hex(8)}")
    file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.link(aside, path)
    except FileExistsError:
        pass  # another process was first: its key counts
    finally:
        aside.unlink()


def from_environment() -> AuditLog | None:
    """Return the log that `RAG_AUDIT_LOG` names, None when it is unset or empty. Raises `StoreError` when it cannot be used."""
    named = os.environ.get(VARIABLE)
    return AuditLog(Path(named)) if named else None
