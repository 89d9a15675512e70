"""Expensive results under content keys, in one SQLite file: computed once, then read.

The file is `memo.sqlite` in `cache_dir()`. Values are raw bytes (float32 arrays, JSON); nothing is pickled. Above
`cap` bytes the least recently used quarter goes. `rag memo` says where it is and how large; `rag memo --clear` empties it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.errors import StoreError

CAP = 4 * 1024**3


def cache_dir() -> Path:
    """Return the directory of the memo and of evaluation indexes: `RAG_CACHE_DIR`, else `$XDG_CACHE_HOME/spanwise`."""
    if named := os.environ.get("RAG_CACHE_DIR"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spanwise"


class Memo:
    """A mapping from content key to bytes that several processes may share; `path=None` keeps it in memory."""

    def __init__(self, path: Path | None = None, cap: int = CAP) -> None:
        """Open or create the file. Raises `StoreError` when it cannot be written or is not a memo."""
        self.path, self.cap = path, cap
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(":memory:" if path is None else str(path), timeout=60, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS memo (key TEXT PRIMARY KEY, value BLOB NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID")
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path}: the memo cannot be opened ({error}); set RAG_CACHE_DIR to a writable directory or delete the file") from None

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the values that are there, by key."""
        found: dict[str, bytes] = {}
        for i in range(0, len(keys), 500):
            part = keys[i : i + 500]
            marks = ",".join("?" * len(part))
            found.update(self._db.execute(f"SELECT key, value FROM memo WHERE key IN ({marks})", part))  # noqa: S608  # only question marks
        if found and self.path is not None:
            self._touch(list(found))
        return found

    def _touch(self, keys: list[str]) -> None:
        day = int(time.time() // 86400)
        for i in range(0, len(keys), 500):
            part = keys[i : i + 500]
            marks = ",".join("?" * len(part))
            stale = self._db.execute(f"SELECT 1 FROM memo WHERE used < ? AND key IN ({marks}) LIMIT 1", [day, *part]).fetchone()  # noqa: S608  # as above
            if stale:
                self._db.execute(f"UPDATE memo SET used = ? WHERE key IN ({marks})", [day, *part])  # noqa: S608  # as above

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Store values in one transaction; an existing key is overwritten with what is by construction the same."""
        day = int(time.time() // 86400)
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("INSERT OR REPLACE INTO memo VALUES (?, ?, ?)", [(k, v, day) for k, v in values.items()])
            self._evict()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: the memo cannot be written ({error}); free disk space or run `rag memo --clear`") from None

    def _evict(self) -> None:
        if self.size() <= self.cap:
            return
        count = self._db.execute("SELECT COUNT(*) FROM memo").fetchone()[0]
        self._db.execute("DELETE FROM memo WHERE key IN (SELECT key FROM memo ORDER BY used LIMIT ?)", (max(1, count // 4),))
        self._db.execute("VACUUM")

    def size(self) -> int:
        """Return the bytes in use."""
        pages, free, size = (self._db.execute(f"PRAGMA {p}").fetchone()[0] for p in ("page_count", "freelist_count", "page_size"))
        return int((pages - free) * size)

    def __len__(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM memo").fetchone()[0])

    def json(self, key: str, make: Callable[[], Any]) -> Any:
        """Return the JSON value under `key`, computing and storing it when absent or unreadable."""
        found = self.get_many([key]).get(key)
        if found is not None:
            try:
                return json.loads(found)
            except ValueError:
                pass  # a damaged entry is computed again and overwritten
        value = make()
        self.put_many({key: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")})
        return value

    def clear(self) -> None:
        """Forget everything and give the space back."""
        self._db.execute("DELETE FROM memo")
        self._db.execute("VACUUM")

    def close(self) -> None:
        """Close the file."""
        self._db.close()
