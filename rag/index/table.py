"""The table of documents of a generation, in SQLite: looked up one by one, so that opening an index does not read it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rag.errors import StoreError
from rag.index.manifest import REBUILD
from rag.index.rows import COLUMNS, DocumentRow, Facts, body_of, delete, packed, read, row_of, storable, unpacked, write

__all__ = ["NAME", "DocumentRow", "DocumentTable", "Facts"]
NAME = "documents.sqlite"
_KEPT = 20_000  # rows that a table keeps between look-ups
_TOGETHER = 500  # rows that are written at once
_SCHEMA = """
CREATE TABLE documents (id TEXT PRIMARY KEY, digest TEXT, root TEXT, source TEXT, tenant TEXT, chunks INTEGER, length INTEGER,
    duplicate_of TEXT, body TEXT);
CREATE TABLE terms (id TEXT, language TEXT, tenant TEXT, chunks INTEGER, terms INTEGER);
CREATE TABLE fields (id TEXT, tenant TEXT, name TEXT, kind TEXT);
CREATE TABLE over_limit (id TEXT, encoder TEXT, chunks INTEGER);
CREATE INDEX terms_id ON terms (id); CREATE INDEX fields_id ON fields (id); CREATE INDEX over_limit_id ON over_limit (id);
"""


class DocumentTable(Mapping[str, DocumentRow]):
    """Rows by document id. Threads may share one."""

    def __init__(self, path: Path, writable: bool = False) -> None:
        """Open a table; a writable one is made when it is not there. Raises `StoreError` when it is missing or damaged."""
        self.path, self._lock = path, threading.RLock()
        self._kept: dict[str, DocumentRow] = {}
        self._together = _TOGETHER if writable else 1  # what cannot be written fails at once
        self._waiting: dict[str, tuple[DocumentRow, Facts]] = {}  # rows that are not written yet
        self._removed = False  # whether the file may still hold what is in no row
        new = writable and not path.exists()
        with self._guarded():
            self._db = sqlite3.connect(_uri(path, "mode=rwc" if writable else "mode=ro&immutable=1"), uri=True, isolation_level=None, check_same_thread=False)
            try:
                if writable:
                    self._db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN;" + (_SCHEMA if new else ""))
                self._db.execute("SELECT id FROM documents LIMIT 1").fetchone()
            except sqlite3.Error:
                self._db.close()
                raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                    raise StoreError(_damaged(self.path, error)) from None
                raise StoreError(f"{self.path}: the table of documents cannot be read or written ({error}); check the disk and its free space") from None
            except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
                raise StoreError(_damaged(self.path, error)) from None

    def _all(self, sql: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        with self._guarded():
            self._flush()
            return self._db.execute(sql, tuple(values)).fetchall()

    def __getitem__(self, doc_id: str) -> DocumentRow:
        found = self._kept.get(doc_id)
        return self._read([doc_id])[doc_id] if found is None else found

    def prefetch(self, doc_ids: Iterable[str]) -> None:
        """Read the rows of documents together, those that are not kept yet; ids that are not there are passed over."""
        if wanted := [i for i in doc_ids if i not in self._kept]:
            self._read(wanted)

    def _read(self, doc_ids: Sequence[str]) -> dict[str, DocumentRow]:
        with self._guarded():
            self._flush()
            found = read(self._db, doc_ids)
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept.update(found)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter([i for (i,) in self._all("SELECT id FROM documents ORDER BY id")])

    def __len__(self) -> int:
        return int(self._all("SELECT COUNT(*) FROM documents")[0][0])

    def rows(self) -> Iterator[DocumentRow]:
        """Yield every row by id, a few at a time."""
        for part in self._paged(", ".join([*COLUMNS, "body"])):
            with self._guarded():
                found = [row_of(r) for r in part]
            yield from found

    def _paged(self, columns: str) -> Iterator[list[tuple[Any, ...]]]:
        """Yield columns of every document by id, 1,000 documents at a time; the id is the first of them."""
        last, after = "", ">="
        while part := self._all(f"SELECT {columns} FROM documents WHERE id {after} ? ORDER BY id LIMIT 1000", [last]):  # noqa: S608  # of constants
            yield part
            last, after = part[-1][0], ">"

    def state(self, doc_id: str) -> tuple[str, str, str] | None:
        """Return digest, root and source of a document, None when it is not there."""
        rows = self._all("SELECT digest, root, source FROM documents WHERE id = ?", [storable(doc_id)])
        return (rows[0][0], unpacked(rows[0][1]), unpacked(rows[0][2])) if rows else None

    def places(self) -> Iterator[tuple[str, str, str]]:
        """Yield id, root and source of every document."""
        return ((i, unpacked(r), unpacked(s)) for part in self._paged("id, root, source") for i, r, s in part)

    def roots(self) -> list[str]:
        """Return the distinct roots of the documents."""
        return [unpacked(r) for (r,) in self._all("SELECT DISTINCT root FROM documents ORDER BY root")]

    def digests(self) -> list[list[Any]]:
        """Return what the content key of a generation is made of.

        That is id, digest, tenant, what it repeats and its chunks (none where it was dropped); then, of one whose chunks are indexed by
        text that is not its own, the digest of that.
        """
        derived = "CASE WHEN chunks > 0 THEN json_extract(body, '$.derived') END"
        found = self._all(f"SELECT id, digest, tenant, duplicate_of, chunks, {derived} FROM documents ORDER BY id")  # noqa: S608  # of a constant
        return [list(r) if r[-1] else list(r[:-1]) for r in found]

    def times(self) -> list[list[Any]]:
        """Return id and time of modification of every document."""
        return [list(r) for r in self._all("SELECT id, json_extract(body, '$.modified') FROM documents ORDER BY id")]

    def dropped(self) -> set[str]:
        """Return the ids of the documents that have no chunks because they repeat another."""
        return {i for (i,) in self._all("SELECT id FROM documents WHERE chunks = 0 AND duplicate_of != ''")}

    def tenants(self) -> dict[str, int]:
        """Return the number of chunks of every tenant; one document without a tenant is of tenant `""`."""
        return dict(self._all("SELECT tenant, SUM(chunks) FROM documents GROUP BY tenant ORDER BY tenant"))

    def counts(self) -> tuple[int, int]:
        """Return the number of chunks and the sum of characters that no chunk holds."""
        chunks, gaps = self._all("SELECT COALESCE(SUM(chunks), 0), COALESCE(SUM(json_extract(body, '$.gaps')), 0) FROM documents")[0]
        return int(chunks), int(gaps)

    def pages(self, size: int) -> int:
        """Return the number of pages of `size` characters that all texts make."""
        return int(self._all("SELECT COALESCE(SUM((length + ? - 1) / ?), 0) FROM documents", [size, size])[0][0])

    def candidates(self) -> Iterator[tuple[str, str, str, str, int]]:
        """Yield id, tenant, digest of the text, sketch and length of every document."""
        for part in self._paged("id, tenant, json_extract(body, '$.text_digest'), json_extract(body, '$.sketch'), length"):
            yield from part

    def duplicates(self) -> list[tuple[str, str, float]]:
        """Return id, the id of what it repeats, and the similarity, of every document that repeats another."""
        return self._all("SELECT id, duplicate_of, json_extract(body, '$.similarity') FROM documents WHERE duplicate_of != '' ORDER BY id")

    def terms(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return chunks with terms and the sum of their terms, by language and tenant."""
        return {(lang, t): (n, s) for lang, t, n, s in self._all("SELECT language, tenant, SUM(chunks), SUM(terms) FROM terms GROUP BY language, tenant")}

    def fields(self) -> dict[str, str]:
        """Return the metadata fields whose values are all of one kind, with it."""
        return dict(self._all("SELECT name, MIN(kind) FROM fields GROUP BY name HAVING COUNT(DISTINCT kind) = 1 AND MIN(kind) != 'mixed' ORDER BY name"))

    def field_names(self, tenant: str | None) -> set[str]:
        """Return the names of metadata fields of one tenant, of all when it is None."""
        where, values = ("", []) if tenant is None else (" WHERE tenant = ?", [tenant])
        return {n for (n,) in self._all(f"SELECT DISTINCT name FROM fields{where}", values)}  # noqa: S608  # one of two constants

    def over_limit(self) -> dict[str, int]:
        """Return how many chunks are longer than an encoder reads, by encoder."""
        return dict(self._all("SELECT encoder, SUM(chunks) FROM over_limit GROUP BY encoder ORDER BY encoder"))

    def put(self, row: DocumentRow, facts: Facts) -> None:
        """Add or replace a row with what it adds to the sums."""
        with self._guarded():
            self._waiting[row.id] = (row, facts)
            self._kept.pop(row.id, None)
            if len(self._waiting) >= self._together:
                self._flush()

    def _flush(self) -> None:
        """Write the rows that wait, in the place of those of the same ids."""
        if self._waiting:
            rows, self._waiting = list(self._waiting.values()), {}
            self._removed = write(self._db, rows) or self._removed

    def note(self, row: DocumentRow) -> None:
        """Replace a row; what it adds to the sums stays."""
        with self._guarded():
            self._flush()
            values = [packed(row.source), row.duplicate_of, body_of(row), row.id]
            self._db.execute("UPDATE documents SET source = ?, duplicate_of = ?, body = ? WHERE id = ?", values)
            self._removed = True
        self._kept.pop(row.id, None)

    def remove(self, ids: Iterable[str]) -> None:
        """Remove rows with all that hangs on them."""
        keys = [(i,) for i in ids]
        with self._guarded():
            self._flush()
            self._removed = delete(self._db, keys) or self._removed
        for (i,) in keys:
            self._kept.pop(i, None)

    def commit(self) -> None:
        """Write what was changed; of what was removed nothing is left in the file."""
        with self._guarded():
            self._flush()
            self._db.execute("COMMIT")
            if self._removed:
                self._compact()
            self._db.execute("BEGIN")

    def _compact(self) -> None:
        """Write the file anew: `secure_delete` was seen to leave cells that a page lost when it was divided."""
        fresh = self.path.with_name(f"{self.path.name}.fresh")
        self._db.execute("VACUUM INTO ?", [_uri(fresh, "mode=rwc")])
        self._db.close()
        fresh.replace(self.path)
        self._db = sqlite3.connect(_uri(self.path, "mode=rw"), uri=True, isolation_level=None, check_same_thread=False)
        self._db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF")
        self._removed = False

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> DocumentTable:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _damaged(path: Path, error: Exception) -> str:
    return f"{path}: the table of documents is missing or damaged ({type(error).__name__}: {error}); {REBUILD}"


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path).encode('utf-8', 'surrogateescape'))}?{mode}"
