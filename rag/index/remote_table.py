"""The table of documents of an index on a server: one point per document, beside its chunks and pages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rag.errors import StoreError
from rag.index.engine import Engine, Scope
from rag.index.gate import MAX_PAYLOAD_BYTES, PointRecord
from rag.index.ids import point_id
from rag.index.manifest import REBUILD
from rag.index.table import DocumentRow, DocumentTable, Facts

WHOLE, PENDING = "document", "pending"  # kinds of points: a document as its row says, and one that is being written or removed
_KEPT = 20_000
_MANY = 10_000  # documents beyond which names of metadata are not collected
_SPARE = 16_384  # bytes of a row's point for what is not metadata


def row_id(doc_id: str) -> str:
    """Return the id of the point that holds a row."""
    return point_id("", doc_id, "row")


def row_point(row: DocumentRow, facts: Facts, averages: Mapping[str, float], kind: str = WHOLE) -> PointRecord:
    """Return a row as a point. `averages` are those that its BM25 weights were computed with, by space; without them they are computed anew."""
    own = {"tenant": row.tenant} if row.tenant else {}
    body = {"row": _json(asdict(row)), "facts": _json(asdict(facts)), "averages": json.dumps(dict(sorted(averages.items())))}
    return PointRecord(row_id(row.id), {}, {}, {"kind": kind, "of": row.id, **body, **own})


def read_row(payload: Mapping[str, Any]) -> tuple[DocumentRow, Facts, dict[str, float]]:
    """Return what `row_point` was given. Raises `StoreError` when it is damaged."""
    try:
        data, facts = json.loads(payload["row"]), json.loads(payload["facts"])
        data["meta"] = {k: tuple(v) if isinstance(v, list) else v for k, v in data["meta"].items()}
        found = Facts({k: (v[0], v[1]) for k, v in facts["terms"].items()}, facts["fields"], facts["over_limit"])
        return DocumentRow(**data), found, json.loads(payload["averages"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"a row of the table of documents is damaged ({type(error).__name__}); {REBUILD}") from None


def check_row(row: DocumentRow, facts: Facts) -> None:
    """Raise `StoreError` when what is known of a document does not fit into one point."""
    size = len(_json(asdict(row)).encode()) + len(_json(asdict(facts)).encode())
    if size > MAX_PAYLOAD_BYTES - _SPARE:
        raise StoreError(f"its metadata, {size} bytes, does not fit into a point on a server; shorten it")


def _json(value: object) -> str:
    """Return JSON without needless escapes; file names that are not UTF-8 keep theirs."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


@dataclass
class Copied:
    """What a copy of the table leaves out: tenant and averages of every whole document by id, and the rows of those that are not whole."""

    averages: dict[str, tuple[str, dict[str, float]]] = field(default_factory=dict)
    pending: dict[str, DocumentRow] = field(default_factory=dict)


class RemoteTable(Mapping[str, DocumentRow]):
    """Rows by document id, read when asked for and kept. Documents that are being written are not there."""

    in_place = True  # documents may change while they are read

    def __init__(self, engine: Engine) -> None:
        """Read through an engine."""
        self._engine = engine
        self._kept: dict[str, DocumentRow] = {}

    def __getitem__(self, doc_id: str) -> DocumentRow:
        if doc_id not in self._kept:
            self.prefetch([doc_id])
        return self._kept[doc_id]

    def prefetch(self, doc_ids: Iterable[str]) -> None:
        """Read the rows of documents at once, those that are not kept yet."""
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        wanted = [row_id(i) for i in dict.fromkeys(doc_ids) if i not in self._kept and _storable(i)]
        for payload in self._engine.payloads(wanted).values():
            if payload.get("kind") == WHOLE:
                row = read_row(payload)[0]
                self._kept[row.id] = row

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(row.id for row in self.rows()))

    def __len__(self) -> int:
        return self._engine.count(WHOLE)

    def rows(self) -> Iterator[DocumentRow]:
        """Yield every row."""
        return (read_row(payload)[0] for _, payload in self._engine.scroll(WHOLE, Scope()))

    def pending(self) -> int:
        """Return how many documents are being written, or were when a build was cut off."""
        return self._engine.count(PENDING)

    def tenants(self) -> dict[str, int]:
        """Return the number of chunks of every tenant."""
        found: dict[str, int] = {}
        for row in self.rows():
            found[row.tenant] = found.get(row.tenant, 0) + row.chunks
        return found

    def counts(self) -> tuple[int, int]:
        """Return the number of chunks and the sum of characters that no chunk holds."""
        rows = list(self.rows())
        return sum(r.chunks for r in rows), sum(r.gaps for r in rows)

    def pages(self, size: int) -> int:
        """Return the number of pages of `size` characters that all texts make."""
        return sum(-(-r.length // size) for r in self.rows())

    def roots(self) -> list[str]:
        """Return the distinct roots of the documents, of those that are being written too; damaged rows have none."""
        found = set()
        for kind in (WHOLE, PENDING):
            for _, payload in self._engine.scroll(kind, Scope()):
                try:
                    found.add(read_row(payload)[0].root)
                except StoreError:  # whoever opens the index says what is wrong with it
                    continue
        return sorted(found)

    def field_names(self, tenant: str | None) -> set[str] | None:
        """Return the names of metadata fields in scope; None where there are too many documents to ask."""
        if self._engine.count(WHOLE, Scope(tenant)) > _MANY:
            return None
        return {name for _, payload in self._engine.scroll(WHOLE, Scope(tenant)) for name in read_row(payload)[1].fields}

    def copy_to(self, table: DocumentTable) -> Copied:
        """Copy every row with what it adds to the sums; those that are not whole with a digest that no text has."""
        copied = Copied()
        same: dict[str, dict[str, float]] = {}
        for _, payload in self._engine.scroll(PENDING, Scope()):
            row = replace(read_row(payload)[0], digest="")
            table.put(row, Facts())
            copied.pending[row.id] = row
        for _, payload in self._engine.scroll(WHOLE, Scope()):
            row, facts, averages = read_row(payload)
            table.put(row, facts)
            copied.averages[row.id] = (row.tenant, same.setdefault(payload["averages"], averages))
        return copied

    def close(self) -> None:
        """Nothing is held."""


def _storable(doc_id: str) -> bool:
    """Whether text can be an id: half a surrogate pair is in none."""
    try:
        doc_id.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
