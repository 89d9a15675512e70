"""What is known of one indexed document beside its text, and how that is laid out in the table of documents."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from rag.types import Scalar

COLUMNS = ("id", "digest", "root", "source", "tenant", "chunks", "length", "duplicate_of")


@dataclass(frozen=True)
class DocumentRow:
    """One indexed document: enough to tell whether it changed, and what is known of it beside its text.

    `modified` and `indexed` are seconds since 1970 (UTC). `duplicate_of` names the document that this one repeats;
    where duplicates are dropped it then has no chunks. `derived` is the digest of what was indexed in place of its own text, if anything
    was: see `Cut`.
    """

    id: str
    digest: str
    root: str
    chunks: int
    length: int
    title: str = ""
    body: int = 0
    source: str = ""
    modified: float | None = None
    indexed: float | None = None
    tenant: str = ""
    gaps: int = 0
    text_digest: str = ""
    sketch: str = ""
    duplicate_of: str = ""
    similarity: float | None = None
    derived: str = ""
    meta: Mapping[str, Scalar | tuple[str, ...]] = field(default_factory=dict)


_PART = 500  # ids in one statement
_SELECT = f"SELECT {', '.join(COLUMNS)}, body FROM documents WHERE id IN"  # noqa: S608  # made of the constant above
BODY = [f.name for f in fields(DocumentRow) if f.name not in COLUMNS]


@dataclass(frozen=True)
class Facts:
    """What a document adds to the sums of an index: chunks with terms and terms by language, fields, over-long chunks."""

    terms: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    over_limit: Mapping[str, int] = field(default_factory=dict)


def plain(row: DocumentRow) -> dict[str, Any]:
    """Return the fields of a row by name, as JSON takes them."""
    return {**vars(row), "meta": dict(row.meta)}


def body_of(row: DocumentRow) -> str:
    """Return what a row holds beside its `COLUMNS`, as JSON."""
    data = plain(row)
    return json.dumps({k: data[k] for k in BODY})


def write(db: sqlite3.Connection, rows: Sequence[tuple[DocumentRow, Facts]]) -> bool:
    """Write rows of distinct ids in the place of those that have them; returns whether there were any."""
    ids = [r.id for r, _ in rows]
    there = db.execute(f"SELECT id FROM documents WHERE id IN ({','.join('?' * len(ids))})", ids).fetchall()  # noqa: S608  # of question marks
    gone = bool(there) and delete(db, there)
    documents = [[*(packed(getattr(r, k)) if k in ("root", "source") else getattr(r, k) for k in COLUMNS), body_of(r)] for r, _ in rows]
    db.executemany("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", documents)
    db.executemany("INSERT INTO terms VALUES (?, ?, ?, ?, ?)", [(r.id, k, r.tenant, n, s) for r, f in rows for k, (n, s) in f.terms.items()])
    db.executemany("INSERT INTO fields VALUES (?, ?, ?, ?)", [(r.id, r.tenant, k, v) for r, f in rows for k, v in f.fields.items()])
    db.executemany("INSERT INTO over_limit VALUES (?, ?, ?)", [(r.id, k, n) for r, f in rows for k, n in f.over_limit.items()])
    return gone


def delete(db: sqlite3.Connection, keys: Sequence[tuple[str]]) -> bool:
    """Remove rows with all that hangs on them; returns whether there was anything."""
    tables = ("documents", "terms", "fields", "over_limit")
    return sum([db.executemany(f"DELETE FROM {name} WHERE id = ?", keys).rowcount for name in tables]) > 0  # noqa: S608  # of constants


def read(db: sqlite3.Connection, ids: Sequence[str]) -> dict[str, DocumentRow]:
    """Return the rows of those of the ids that are there, by id."""
    found: dict[str, DocumentRow] = {}
    for part in (ids[i : i + _PART] for i in range(0, len(ids), _PART)):
        marks = ",".join("?" * len(part))
        found.update((r[0], row_of(r)) for r in db.execute(f"{_SELECT} ({marks})", [storable(i) for i in part]))  # only question marks
    return found


def storable(text: str) -> str | None:
    """Return text that can be looked up, None (which equals nothing) for half a surrogate pair: that is in no table."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return None
    return text


def row_of(found: tuple[Any, ...]) -> DocumentRow:
    """Return the row that was written as `COLUMNS` and, last, a JSON object of the `BODY`."""
    id_, digest, root, source, tenant, chunks, length, duplicate_of, text = found
    body = json.loads(text)
    body["meta"] = {k: tuple(v) if isinstance(v, list) else v for k, v in body["meta"].items()}
    return DocumentRow(id_, digest, unpacked(root), chunks, length, source=unpacked(source), tenant=tenant, duplicate_of=duplicate_of, **body)


def packed(path: str) -> str:
    """Return a path as text that SQLite takes: a file name need not be UTF-8."""
    return json.dumps(path)


def unpacked(text: str) -> str:
    """Return the path that `packed` was given."""
    if "\\" not in text and text.count('"') == 2 and text[0] == text[-1] == '"':  # nothing in it is escaped
        return text[1:-1]
    return str(json.loads(text))
