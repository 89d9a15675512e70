"""Opens one sealed generation: verified against its manifest, copied aside where it must not be written to."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import StoreError
from rag.index import canaries
from rag.index.edge import EdgeEngine
from rag.index.engine import Engine, Layout
from rag.index.files import copy_tree, require_space, used, verify
from rag.index.lock import hold
from rag.index.manifest import REBUILD, Manifest, read_manifest, write_json
from rag.index.table import NAME, DocumentTable

if TYPE_CHECKING:
    from rag.index.remote_table import RemoteTable

STAMPS = "stamps.json"
_MEMORY = Path("/dev/shm")  # noqa: S108  # links are made in memory where there is such a place: synced at no cost, and never full of them
_LOW = 4 * 1024**2
_PREFIX, _YOUNG = "spanwise-reader-", 60  # seconds in which a folder may not be locked yet by who made it


class Aside:
    """A folder that the engine opens in place of a shard, so that opening changes no sealed file: it writes to what it reads.

    Where the shard can be written to, links to its files are enough; else they are copied.
    """

    def __init__(self, shard: Path) -> None:
        """Make the folder."""
        copied = not _writable(shard) or _full(shard)
        place = Path(tempfile.gettempdir()) if copied or not os.access(_MEMORY, os.W_OK) else _MEMORY
        _sweep(place)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        self.shard = self.path / "shard"
        self._end = weakref.finalize(self, _drop, str(self.path), hold(self.path))
        try:
            (_copy if copied else _link)(shard, self.shard)
        except BaseException:
            self.cleanup()
            raise

    def cleanup(self) -> None:
        """Remove the folder."""
        self._end()


@dataclass(frozen=True)
class Opened:
    """What a generation is read through, and what `release`s it."""

    manifest: Manifest
    table: DocumentTable | RemoteTable
    engine: Engine
    release: Callable[[], None]


def layout(manifest: Manifest) -> Layout:
    """Return the layout of a generation's collection."""
    dense = {n: int(s["dimension"]) for n, s in manifest.spaces.items() if s["kind"] == "dense"}
    return Layout(dense, tuple(n for n, s in manifest.spaces.items() if s["kind"] == "bm25"), manifest.hnsw, manifest.quantization)


def open_generation(path: Path) -> Opened:
    """Open and verify a generation. Raises `StoreError` naming the file when something is not as it was sealed."""
    manifest = read_manifest(path)
    verify_files(path, manifest)
    table = DocumentTable(path / NAME)
    aside, engine = None, None
    try:
        if len(table) != manifest.documents:
            raise StoreError(f"{path / NAME}: holds {len(table)} documents, the manifest says {manifest.documents}")
        aside = Aside(path / "shard")
        engine = EdgeEngine.load(aside.shard, layout(manifest))
        if (count := engine.count()) != manifest.points:
            raise StoreError(f"{path}: holds {count} points, its manifest says {manifest.points}")
        canaries.verify(engine, manifest)
    except BaseException as error:
        for part in (table, engine):
            if part is not None:
                part.close()
        if aside is not None:
            aside.cleanup()
        if isinstance(error, StoreError) and REBUILD not in str(error):
            raise StoreError(f"{error}; it is damaged: {REBUILD}") from None
        raise

    def release() -> None:
        engine.close()
        table.close()
        aside.cleanup()

    return Opened(manifest, table, engine, release)


def verify_files(path: Path, manifest: Manifest, trust: bool = True) -> None:
    """Hold the files of a generation against their digests; raises `StoreError` naming the first that differs.

    With `trust`, a file that nobody has written to since it was last read whole is not read again.
    """
    stamps = _stamps(path) if trust else {}
    problem, found = verify(path, manifest.files, stamps)
    if problem:
        raise StoreError(f"{path}: {problem}; the index is damaged: {REBUILD}")
    if any(stamps.get(n) != s for n, s in found.items() if s[0] > 2**20):  # small files cost nothing to read again
        with suppress(OSError):  # a cache: on a read-only disk it stays away
            write_json(path / STAMPS, found)


def _stamps(path: Path) -> Mapping[str, list[int]]:
    try:
        found = json.loads((path / STAMPS).read_bytes())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}


def _writable(shard: Path) -> bool:
    """Whether the engine can open a shard: it takes its files for writing even to read them."""
    return all(os.access(p, os.W_OK) for p in [shard, *shard.rglob("*")]) and not os.statvfs(shard).f_flag & os.ST_RDONLY


def _drop(folder: str, handle: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(handle)


def _sweep(place: Path) -> None:
    """Remove the folders of readers that were killed: nobody holds their lock. What holds anything but a shard is somebody else's."""
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            found = folder.stat(follow_symlinks=False)
            old = found.st_uid == os.getuid() and time.time() - found.st_mtime > _YOUNG
            if old and {p.name for p in folder.iterdir()} <= {"shard"}:
                _drop(str(folder), hold(folder, wait=False))


def _full(shard: Path) -> bool:
    """Whether a shard lies in memory that is full: reading a hole there takes a page, and there is none left."""
    return os.major(shard.stat().st_dev) == 0 and shutil.disk_usage(shard).free < _LOW


def _link(shard: Path, target: Path) -> None:
    """Make a shard of links: what the engine replaces at every opening (settings, segment states) lies in folders of its own."""
    source = shard.resolve()
    (target / "segments").mkdir(parents=True)
    for entry in source.iterdir():
        if entry.name != "segments":
            (target / entry.name).symlink_to(entry)
    for segment in (source / "segments").iterdir():
        own = target / "segments" / segment.name
        own.mkdir()
        for entry in segment.iterdir():
            (own / entry.name).symlink_to(entry)


def _copy(shard: Path, target: Path) -> None:
    require_space(target.parent, used(shard), "reading an index from a copy")
    copy_tree(shard, target)
    for p in [target, *target.rglob("*")]:
        p.chmod(0o700 if p.is_dir() else 0o600)
