"""What an index says about itself: the sealed manifest of a generation, and the pointers to generations.

    INDEX/CURRENT                 the name of the live generation; INDEX/NEXT that of one that waits to be swapped in
    INDEX/gen-000001/             manifest.json, documents.sqlite, shard/, and stamps.json (a cache: it may be missing)
    INDEX/lock                    held while a generation is built

A generation is never changed after it is sealed; a new one is built beside it and a pointer is swapped. Only the
configuration in its manifest is replaced, whole, when an index is brought up to date with one that changes no chunk.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from rag.errors import StoreError
from rag.index.faults import reached

SCHEMA = 2
Quantization = Literal["none", "scalar"]
REBUILD = "build it again with `rag index PATH... -c CONFIG -i INDEX --rebuild`"
_GENERATION = re.compile(r"gen-\d{6,}")
_UNFINISHED = re.compile(r"(gen|tmp)-\d{6,}")


@dataclass(frozen=True)
class Manifest:
    """The identity of a generation: what it holds, how it was cut and embedded, and by which versions.

    `content` names the chunks and all that scores depend on, `times` when the documents were modified. `files` holds size
    and digest of every other file of it, `canaries` searches with what they found when it was sealed, `roots` (as JSON texts: a path need
    not be UTF-8) where its documents came from, should the table that knows more be damaged.
    """

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
    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, list[int | str]] = field(default_factory=dict)
    canaries: list[dict[str, Any]] = field(default_factory=list)
    times: str = ""
    roots: list[str] = field(default_factory=list)
    quantization: Quantization = "none"  # what a graph is searched with; indexes from before it was known have none
    seal: str = ""
    schema: int = SCHEMA

    def sealed(self) -> Manifest:
        """Return the manifest with the digest of all its other fields."""
        return replace(self, seal=_digest(asdict(self)))


def _digest(data: Mapping[str, Any]) -> str:
    text = json.dumps({k: v for k, v in data.items() if k != "seal"}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


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


def write_manifest(generation: Path, manifest: Manifest) -> None:
    """Seal a generation: its manifest is written last."""
    write_json(generation / "manifest.json", asdict(manifest.sealed()))


def read_manifest(generation: Path) -> Manifest:
    """Return the manifest of a generation. Raises `StoreError` when it is missing, damaged or of another schema."""
    path = generation / "manifest.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise StoreError(f"{path}: written with schema {data['schema']}, this version reads {SCHEMA}; {REBUILD}, or use the version that wrote it")
        manifest = _checked(Manifest(**data))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: the manifest is missing or damaged ({type(error).__name__}); {REBUILD}") from None
    if manifest.seal != _digest(data):
        raise StoreError(f"{path}: the manifest is not what was sealed; it is damaged: {REBUILD}")
    return manifest


def _checked(m: Manifest) -> Manifest:
    """Return a manifest whose fields are of the types that opening an index relies on. Raises `TypeError` or `KeyError`."""
    counts = all(type(n) is int for n in (m.points, m.chunks, m.documents, *m.tenants.values()))
    dense = all(type(s["dimension"]) is int and s["identity"]["name"] for s in m.spaces.values() if s["kind"] == "dense")
    sparse = all(s["kind"] == "dense" or all(n > 0 for n in s["average_length"].values()) for s in m.spaces.values())
    if not (counts and dense and sparse and m.config["chunk"]["use"] and type(m.hnsw) is bool and m.quantization in ("none", "scalar")):
        raise TypeError
    return m


def pointed(index: Path, pointer: str) -> Path | None:
    """Return the directory that a pointer names, None when there is no pointer. Raises `StoreError` when it names none that is there."""
    name = _named(index / pointer)
    while name is not None and not (_GENERATION.fullmatch(name) and (index / name).is_dir()):
        gone, name = name, _named(index / pointer)
        if name == gone:  # else a build has meanwhile put a newer one in its place, and removed this
            raise StoreError(f"{index / pointer} names {name[:100]!r}, which is not there; restore the file, or {REBUILD}")
    return None if name is None else index / name


def _named(path: Path) -> str | None:
    """Return what a pointer says, None when there is none."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read ({type(error).__name__}); restore the file, or {REBUILD}") from None


def current(index: Path) -> Path | None:
    """Return the directory of the live generation, None when there is none yet."""
    return pointed(index, "CURRENT")


def point(index: Path, pointer: str, generation: Path) -> None:
    """Make a pointer name a generation, at once and for good."""
    reached("pointer.temporary")
    write_bytes(index / pointer, f"{generation.name}\n".encode())
    reached("pointer.replace")


def unfinished(index: Path) -> list[Path]:
    """Return the generations that no pointer names, whole or in part; a directory of another name is never among them."""
    live = {current(index), waiting(index)}
    return [p for p in sorted(index.iterdir()) if _UNFINISHED.fullmatch(p.name) and p.is_dir() and p not in live]


def waiting(index: Path) -> Path | None:
    """Return the generation that a migration built and that waits to be swapped in, None when there is none."""
    try:
        return pointed(index, "NEXT")
    except StoreError:  # it is not what answers: a damaged pointer to it means there is none
        return None


def next_number(index: Path) -> int:
    """Return a number above that of every generation there is."""
    return 1 + max((int(p.name.split("-")[1]) for p in index.iterdir() if _UNFINISHED.fullmatch(p.name)), default=0)
