"""Ids met so far, on disk and not in memory: a corpus may have millions of documents."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

_CACHE_KB = 16_000
_TOGETHER = 500  # ids that are written at once where nobody asks whether they were there


class Seen:
    """A set of texts with a number each, in a temporary file that goes when it is closed."""

    def __init__(self) -> None:
        """Open it, empty."""
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # "": a private file that no one else can open
        self._db.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{_CACHE_KB}; PRAGMA temp_store=FILE;")
        self._db.execute("CREATE TABLE seen (id BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID")
        self._db.execute("BEGIN")
        self._count = 0
        self._noted: list[tuple[bytes, int]] = []

    def add(self, id_: str, number: int = 0) -> bool:
        """Take an id; returns False, and keeps the number it had, when it is there already."""
        if self._noted:
            self._write()
        new = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (_key(id_), number)).rowcount == 1
        self._count += new
        return new

    def discard(self, id_: str) -> None:
        """Take an id out again, if it is there."""
        if self._noted:
            self._write()
        self._count -= self._db.execute("DELETE FROM seen WHERE id = ?", (_key(id_),)).rowcount

    def note(self, id_: str) -> None:
        """Take an id, whether it is there or not: several are written together."""
        self._noted.append((_key(id_), 0))
        if len(self._noted) >= _TOGETHER:
            self._write()

    def _write(self) -> None:
        noted, self._noted = self._noted, []
        self._count += self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", noted).rowcount

    def number(self, id_: str) -> int | None:
        """Return the number of an id, None when it was not met."""
        if self._noted:
            self._write()
        row = self._db.execute("SELECT number FROM seen WHERE id = ?", (_key(id_),)).fetchone()
        return None if row is None else int(row[0])

    def __contains__(self, id_: str) -> bool:
        return self.number(id_) is not None

    def __iter__(self) -> Iterator[str]:
        """Yield the ids in order of their bytes."""
        if self._noted:
            self._write()
        for (found,) in self._db.execute("SELECT id FROM seen ORDER BY id"):
            yield bytes(found).decode("utf-8", "surrogatepass")

    def __len__(self) -> int:
        if self._noted:
            self._write()
        return self._count

    def close(self) -> None:
        """Forget everything."""
        self._db.close()

    __del__ = close


def _key(id_: str) -> bytes:
    return id_.encode("utf-8", "surrogatepass")
