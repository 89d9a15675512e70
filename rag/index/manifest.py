"""What an index says about itself: the manifest of a generation and its table of documents.

    INDEX/CURRENT                 the name of the live generation
    INDEX/gen-000001/manifest.json, documents.jsonl, shard/
    INDEX/lock                    held while a generation is built

A generation is never changed after it is sealed; a new one is built beside it and `CURRENT` is swapped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rag.errors import StoreError
from rag.types import Scalar

SCHEMA = 1


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
        return Manifest(**data)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path}: the manifest is missing or damaged ({type(error).__name__}); rebuild the index with `rag index`") from None


def read_documents(generation: Path) -> Iterator[DocumentRow]:
    """Yield the table of documents. Raises `StoreError` when it is missing or damaged."""
    path = generation / "documents.jsonl"
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                row = json.loads(line)
                row["meta"] = {k: tuple(v) if isinstance(v, list) else v for k, v in row["meta"].items()}
                yield DocumentRow(**row)
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"{path}: the document table is missing or damaged ({type(error).__name__}); rebuild the index with `rag index`") from None


def current(index: Path) -> Path | None:
    """Return the directory of the live generation, None when there is none yet."""
    try:
        name = (index / "CURRENT").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"{index / 'CURRENT'}: cannot be read ({error}); restore the file or rebuild the index") from None
    if not name.startswith("gen-") or "/" in name or not (index / name).is_dir():
        raise StoreError(f"{index / 'CURRENT'} names {name!r}, which is not there; rebuild the index with `rag index`")
    return index / name
