"""Expensive results under content keys, in one SQLite file: computed once, then read.

The file is `memo.sqlite` in `cache_dir()`. Values are raw bytes (float32 arrays, JSON); nothing is pickled. Above
`cap` bytes the least recently used quarter goes. `rag memo` says where it is and how large; `rag memo --clear` empties it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from rag.errors import StoreError

CAP = 4 * 1024**3
_PART = 500  # keys in one SQL statement
_DAY = 86400  # seconds; a use is noted at most once a day, so that reading seldom writes
# Not `WITHOUT ROWID`: such a table puts every value over 1 kB on a page of its own, three times the space of an embedding.
_TABLE = "CREATE TABLE IF NOT EXISTS memo (key TEXT PRIMARY KEY, value BLOB NOT NULL, used INTEGER NOT NULL)"


def cache_dir() -> Path:
    """Return the directory of the memo and of evaluation indexes: `RAG_CACHE_DIR`, else `$XDG_CACHE_HOME/spanwise`."""
    if named := os.environ.get("RAG_CACHE_DIR"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spanwise"


class Memo:
    """A mapping from content key to bytes that several processes and threads may share; `path=None` keeps it in memory."""

    def __init__(self, path: Path | None = None, cap: int = CAP) -> None:
        """Open or create the file. Raises `StoreError` when it cannot be written or is not a memo."""
        self.path, self.cap = path, cap
        self._lock = RLock()
        self._unmeasured = cap  # bytes written since the size was last looked at: before the first, what others wrote
        with self._guarded("opened", "set RAG_CACHE_DIR to a writable directory or delete the file"):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(":memory:" if path is None else str(path), timeout=60, isolation_level=None, check_same_thread=False)
            try:
                self._db.execute("PRAGMA busy_timeout=60000")
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
                self._db.execute(_TABLE)
            except sqlite3.Error:
                self._db.close()
                raise

    @contextmanager
    def _guarded(self, done: str, fix: str = "free disk space or run `rag memo --clear`") -> Iterator[None]:
        """Let one thread in at a time, and turn what SQLite raises into a `StoreError`."""
        with self._lock:
            try:
                yield
            except (sqlite3.Error, OSError) as error:
                raise StoreError(f"{self.path}: the memo cannot be {done} ({error}); {fix}") from None

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the values that are there, by key. Raises `StoreError` when the file is damaged."""
        found: dict[str, bytes] = {}
        with self._guarded("read", "delete the file"):
            for part in _parts(keys):
                marks = ",".join("?" * len(part))
                found.update(self._db.execute(f"SELECT key, value FROM memo WHERE key IN ({marks})", part))  # noqa: S608  # only question marks
            if found and self.path is not None:
                self._touch(list(found))
        return found

    def _touch(self, keys: list[str]) -> None:
        now = int(time.time())
        for part in _parts(keys):
            marks = ",".join("?" * len(part))
            stale = self._db.execute(f"SELECT 1 FROM memo WHERE used < ? AND key IN ({marks}) LIMIT 1", [now - _DAY, *part]).fetchone()  # noqa: S608  # as above
            if stale:
                self._db.execute(f"UPDATE memo SET used = ? WHERE key IN ({marks})", [now, *part])  # noqa: S608  # as above

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Store values in one transaction; an existing key is overwritten with what is by construction the same."""
        now = int(time.time())
        with self._guarded("written"):
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("INSERT OR REPLACE INTO memo VALUES (?, ?, ?)", [(k, v, now) for k, v in values.items()])
            self._unmeasured += sum(len(k) + len(v) for k, v in values.items())
            if self._unmeasured > self.cap // 64:
                self._unmeasured = 0
                self._evict()

    def _evict(self) -> None:
        """Drop quarters until the cap holds; the file keeps its freed pages and fills them again."""
        while self.size() > self.cap and (count := len(self)):
            self._db.execute("DELETE FROM memo WHERE key IN (SELECT key FROM memo ORDER BY used LIMIT ?)", (max(1, count // 4),))

    def size(self) -> int:
        """Return the bytes in use."""
        with self._guarded("read", "delete the file"):
            pages, free, size = (self._db.execute(f"PRAGMA {p}").fetchone()[0] for p in ("page_count", "freelist_count", "page_size"))
        return int((pages - free) * size)

    def __len__(self) -> int:
        with self._guarded("read", "delete the file"):
            return int(self._db.execute("SELECT COUNT(*) FROM memo").fetchone()[0])

    def json(self, key: str, make: Callable[[], Any]) -> Any:
        """Return the JSON value under `key`, computing and storing it when absent or unreadable.

        What is computed comes back in the form in which it will be read: tuples as lists, keys as text.
        """
        found = self.get_many([key]).get(key)
        if found is not None:
            try:
                return json.loads(found)
            except ValueError:
                pass  # a damaged entry is computed again and overwritten
        made = json.dumps(make(), ensure_ascii=False).encode("utf-8", "surrogatepass")
        self.put_many({key: made})
        return json.loads(made)

    def clear(self) -> None:
        """Forget everything and give the space back."""
        with self._guarded("emptied", "delete the file"):
            self._db.execute("DELETE FROM memo")
            self._db.execute("VACUUM")

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[i : i + _PART] for i in range(0, len(keys), _PART))
