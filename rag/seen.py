"""Ids met so far, on disk and not in memory: a corpus may have millions of documents."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

_CACHE_KB = 16_000


class Seen:
    """A set of texts with a number each, in a temporary file that goes when it is closed."""

    def __init__(self) -> None:
        """Open it, empty."""
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # "": a private file that no one else can open
        self._db.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{_CACHE_KB}; PRAGMA temp_store=FILE;")
        self._db.execute("CREATE TABLE seen (id BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID")
        self._db.execute("BEGIN")
        self._count = 0

    def add(self, id_: str, number: int = 0) -> bool:
        """Take an id; returns False, and keeps the number it had, when it is there already."""
        new = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (_key(id_), number)).rowcount == 1
        self._count += new
        return new

    def number(self, id_: str) -> int | None:
        """Return the number of an id, None when it was not met."""
        row = self._db.execute("SELECT number FROM seen WHERE id = ?", (_key(id_),)).fetchone()
        return None if row is None else int(row[0])

    def __contains__(self, id_: str) -> bool:
        return self.number(id_) is not None

    def __iter__(self) -> Iterator[str]:
        """Yield the ids in order of their bytes."""
        for (found,) in self._db.execute("SELECT id FROM seen ORDER BY id"):
            yield bytes(found).decode("utf-8", "surrogatepass")

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        """Forget everything."""
        self._db.close()

    __del__ = close


def _key(id_: str) -> bytes:
    return id_.encode("utf-8", "surrogatepass")
