"""What an index says about itself: the manifest of a generation and its table of documents.

    INDEX/CURRENT                 the name of the live generation
    INDEX/gen-000001/manifest.json, documents.jsonl, shard/
    INDEX/lock                    held while a generation is built

A generation is never changed after it is sealed; a new one is built beside it and `CURRENT` is swapped. Only the
configuration in its manifest is replaced, whole, when an index is brought up to date with one that changes no chunk.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rag.errors import StoreError
from rag.types import Scalar

SCHEMA = 1
REBUILD = "delete the directory of the index and build it again with `rag index`"
_GENERATION = re.compile(r"gen-\d{6,}")
_UNFINISHED = re.compile(r"(gen|tmp)-\d{6,}")


@dataclass(frozen=True)
class DocumentRow:
    """One indexed document: enough to tell whether it changed, and what is known of it beside its text."""

    id: str
    digest: str
    root: str
    chunks: int
    length: int
    title: str = ""
    body: int = 0
    source: str = ""
    modified: float | None = None
    tenant: str = ""
    meta: Mapping[str, Scalar | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """The identity of a generation: what it holds, how it was cut and embedded, and by which versions."""

    content: str
    config: Mapping[str, Any]
    chunk_key: str
    chunker: list[Any]
    spaces: Mapping[str, Mapping[str, Any]]
    points: int
    chunks: int
    documents: int
    tenants: Mapping[str, int]
    hnsw: bool
    tenant_key: str | None
    versions: Mapping[str, str]
    gaps: int = 0
    over_limit: Mapping[str, int] = field(default_factory=dict)
    schema: int = SCHEMA


def write_json(path: Path, value: object) -> None:
    """Write a JSON file whole or not at all: to a temporary file, synced, then renamed."""
    write_bytes(path, (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8", "surrogatepass"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and have its directory entry on disk when this returns."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Have the entries of a directory on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_manifest(generation: Path, manifest: Manifest, rows: Iterable[DocumentRow]) -> None:
    """Seal a generation: its documents first, its manifest last."""
    lines = "".join(json.dumps(asdict(r), ensure_ascii=False) + "\n" for r in rows)
    write_bytes(generation / "documents.jsonl", lines.encode("utf-8", "surrogatepass"))
    write_json(generation / "manifest.json", asdict(manifest))


def read_manifest(generation: Path) -> Manifest:
    """Return the manifest of a generation. Raises `StoreError` when it is missing, damaged or of another schema."""
    path = generation / "manifest.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise StoreError(f"{path}: written with schema {data['schema']}, this version reads {SCHEMA}; rebuild the index or use the version that wrote it")
        return _checked(Manifest(**data))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: the manifest is missing or damaged ({type(error).__name__}); {REBUILD}") from None


def _checked(m: Manifest) -> Manifest:
    """Return a manifest whose fields are of the types that opening an index relies on. Raises `TypeError` or `KeyError`."""
    counts = all(type(n) is int for n in (m.points, m.chunks, m.documents, *m.tenants.values()))
    dense = all(type(s["dimension"]) is int and s["identity"]["name"] for s in m.spaces.values() if s["kind"] == "dense")
    sparse = all(s["kind"] == "dense" or all(n > 0 for n in s["average_length"].values()) for s in m.spaces.values())
    if not (counts and dense and sparse and m.config["chunk"]["use"] and type(m.hnsw) is bool):
        raise TypeError
    return m


def read_documents(generation: Path, expected: int) -> dict[str, DocumentRow]:
    """Return the table of documents by id. Raises `StoreError` when it is missing, damaged, or not `expected` rows long."""
    path = generation / "documents.jsonl"
    found: dict[str, DocumentRow] = {}
    try:
        with path.open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:  # a file name may not be UTF-8
            for line in file:
                row = json.loads(line)
                row["meta"] = {k: tuple(v) if isinstance(v, list) else v for k, v in row["meta"].items()}
                found[row["id"]] = DocumentRow(**row)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: the document table is missing or damaged ({type(error).__name__}); {REBUILD}") from None
    if len(found) != expected:
        raise StoreError(f"{path}: holds {len(found)} documents, the manifest says {expected}; it is damaged: {REBUILD}")
    return found


def current(index: Path) -> Path | None:
    """Return the directory of the live generation, None when there is none yet."""
    try:
        name = (index / "CURRENT").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"{index / 'CURRENT'}: cannot be read ({type(error).__name__}); restore the file, or {REBUILD}") from None
    if not _GENERATION.fullmatch(name) or not (index / name).is_dir():
        raise StoreError(f"{index / 'CURRENT'} names {name[:100]!r}, which is not there; restore the file, or {REBUILD}")
    return index / name


def unfinished(index: Path) -> list[Path]:
    """Return the generations beside the live one, whole or in part; a directory of another name is never among them."""
    live = current(index)
    return [p for p in sorted(index.iterdir()) if _UNFINISHED.fullmatch(p.name) and p.is_dir() and p != live]
