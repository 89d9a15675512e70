"""What is known of one indexed document beside its text, and how that is laid out in the table of documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
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


BODY = [f.name for f in fields(DocumentRow) if f.name not in COLUMNS]


@dataclass(frozen=True)
class Facts:
    """What a document adds to the sums of an index: chunks with terms and terms by language, fields, over-long chunks."""

    terms: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    over_limit: Mapping[str, int] = field(default_factory=dict)


def row_of(found: tuple[Any, ...]) -> DocumentRow:
    """Return the row that was written as `COLUMNS` and, last, a JSON object of the `BODY`."""
    data = dict(zip(COLUMNS, found, strict=False))
    body = json.loads(found[-1])
    body["meta"] = {k: tuple(v) if isinstance(v, list) else v for k, v in body["meta"].items()}
    return DocumentRow(**{**data, "root": unpacked(data["root"]), "source": unpacked(data["source"]), **body})


def packed(path: str) -> str:
    """Return a path as text that SQLite takes: a file name need not be UTF-8."""
    return json.dumps(path)


def unpacked(text: str) -> str:
    """Return the path that `packed` was given."""
    return str(json.loads(text))
