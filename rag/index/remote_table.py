"""The table of documents of an index on a server: one point per document, beside its chunks and pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rag.errors import StoreError
from rag.index.cut import point_id
from rag.index.engine import Engine, Scope
from rag.index.gate import PointRecord
from rag.index.manifest import REBUILD, Manifest
from rag.index.table import DocumentRow, DocumentTable, Facts

KIND = "document"
PENDING = ""  # the digest of a document that is being written: no text has it, so the next build writes it again
_KEPT = 20_000
_MANY = 10_000  # documents beyond which names of metadata are not collected
_PART = 200_000  # characters of a manifest in one point


def row_id(doc_id: str) -> str:
    """Return the id of the point that holds a row."""
    return point_id("", doc_id, "row")


def row_point(row: DocumentRow, facts: Facts, averages: Mapping[str, float]) -> PointRecord:
    """Return a row as a point. `averages` are those that its BM25 weights were computed with, by space."""
    own = {"tenant": row.tenant} if row.tenant else {}
    body = {"row": json.dumps(asdict(row)), "facts": json.dumps(asdict(facts)), "averages": json.dumps(dict(sorted(averages.items())))}
    return PointRecord(row_id(row.id), {}, {}, {"kind": KIND, "of": row.id, **body, **own})


def read_row(payload: Mapping[str, Any]) -> tuple[DocumentRow, Facts, dict[str, float]]:
    """Return what `row_point` was given. Raises `StoreError` when it is damaged."""
    try:
        data, facts = json.loads(payload["row"]), json.loads(payload["facts"])
        data["meta"] = {k: tuple(v) if isinstance(v, list) else v for k, v in data["meta"].items()}
        found = Facts({k: (v[0], v[1]) for k, v in facts["terms"].items()}, facts["fields"], facts["over_limit"])
        return DocumentRow(**data), found, json.loads(payload["averages"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"a row of the table of documents is damaged ({type(error).__name__}); {REBUILD}") from None


class RemoteTable(Mapping[str, DocumentRow]):
    """Rows by document id, read when asked for. Documents that are being written are not there."""

    def __init__(self, engine: Engine) -> None:
        """Read through an engine."""
        self._engine = engine
        self._kept: dict[str, DocumentRow] = {}

    def __getitem__(self, doc_id: str) -> DocumentRow:
        found = self._kept.get(doc_id)
        if found is None:
            try:
                i = row_id(doc_id)
            except UnicodeEncodeError:  # half a surrogate pair is in no id
                raise KeyError(doc_id) from None
            payload = self._engine.payloads([i]).get(i)
            if payload is None:
                raise KeyError(doc_id)
            found = read_row(payload)[0]
            if found.digest == PENDING:
                raise KeyError(doc_id)
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[doc_id] = found
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(row.id for row in self.rows()))

    def __len__(self) -> int:
        return sum(1 for _ in self.rows())

    def rows(self) -> Iterator[DocumentRow]:
        """Yield every row."""
        for _, payload in self._engine.scroll(KIND, Scope()):
            row = read_row(payload)[0]
            if row.digest != PENDING:
                yield row

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
        """Return the distinct roots of the documents."""
        return sorted({row.root for row in self.rows()})

    def field_names(self, tenant: str | None) -> set[str] | None:
        """Return the names of metadata fields in scope; None where there are too many documents to ask."""
        if self._engine.count(KIND, Scope(tenant)) > _MANY:
            return None
        return {name for _, payload in self._engine.scroll(KIND, Scope(tenant)) for name in read_row(payload)[1].fields}

    def copy_to(self, table: DocumentTable) -> None:
        """Copy every row with what it adds to the sums; those that are being written with a digest that no text has."""
        for _, payload in self._engine.scroll(KIND, Scope()):
            row, facts, _ = read_row(payload)
            table.put(row, facts)

    def close(self) -> None:
        """Nothing is held."""


def manifest_points(manifest: Manifest) -> list[PointRecord]:
    """Return a manifest as points, in parts."""
    text = json.dumps(asdict(manifest.sealed()))
    parts = [text[i : i + _PART] for i in range(0, len(text), _PART)]
    return [PointRecord(point_id("", "", "manifest", n), {}, {}, {"kind": "manifest", "part": n, "parts": len(parts), "body": p}) for n, p in enumerate(parts)]


def read_manifest(engine: Engine, where: str) -> Manifest:
    """Return the manifest of an index on a server. Raises `StoreError` when there is none or it is damaged."""
    found = sorted((p for _, p in engine.scroll("manifest", Scope())), key=lambda p: int(p["part"]))
    count = int(found[0]["parts"]) if found else 0
    if not found or len(found) < count:
        raise StoreError(f"{where}: the collection holds no manifest of an index; it was not built by `rag index`, or {REBUILD}")
    try:
        manifest = Manifest(**json.loads("".join(p["body"] for p in found[:count])))
    except (ValueError, TypeError) as error:
        raise StoreError(f"{where}: the manifest is damaged ({type(error).__name__}); {REBUILD}") from None
    if manifest != manifest.sealed():
        raise StoreError(f"{where}: the manifest is not what was sealed; {REBUILD}")
    return manifest
