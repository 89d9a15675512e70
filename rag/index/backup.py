"""Copies an index out to one file and in again, every file held against its digest on both ways."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, cast

from rag.errors import StoreError
from rag.index.faults import reached
from rag.index.files import files, require_space, used
from rag.index.generation import open_generation, verify_files
from rag.index.lock import lock, sweep
from rag.index.manifest import current, next_number, point, read_manifest, sync_directory

_MEMBER = re.compile(r"gen-\d{6,}/[^\0]+")
_BLOCK, _GULP = 1 << 16, 1 << 20
_ZERO = bytes(_BLOCK)
MAX_MEMBERS = 100_000


def backup(index: Path, file: Path) -> dict[str, Any]:
    """Write the live generation to a gzipped tar file, whole or not at all; an older file of that name is replaced.

    Builds wait meanwhile. Raises `StoreError` when there is no index or it is damaged.
    """
    generation = current(index) if index.is_dir() else None
    if generation is None:
        raise StoreError(f"{index}: there is no index")
    temporary = file.with_name(f".{file.name}.tmp")
    with ExitStack() as held:
        if os.access(index, os.W_OK):
            held.enter_context(lock(index))
            generation = current(index) or generation
        manifest = read_manifest(generation)
        verify_files(generation, manifest)
        require_space(file.parent, used(generation), "a backup")
        try:
            with temporary.open("wb") as raw:
                with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as tar:
                    for name, path in files(generation).items():
                        if name == "manifest.json" or name in manifest.files:
                            reached("backup.file")
                            tar.add(path, f"{generation.name}/{name}", recursive=False)
                raw.flush()
                os.fsync(raw.fileno())
            reached("backup.replace")
            temporary.replace(file)
            sync_directory(file.parent)
        finally:
            temporary.unlink(missing_ok=True)
    return {"file": str(file), "bytes": file.stat().st_size, "documents": manifest.documents, "chunks": manifest.chunks}


def restore(file: Path, index: Path) -> dict[str, Any]:
    """Make an index of a backup. Raises `StoreError` when the file is damaged or there is an index already."""
    if index.is_dir() and (index / "CURRENT").exists():
        raise StoreError(f"{index}: there is an index already; restore into another directory, or delete this one first")
    index.mkdir(parents=True, exist_ok=True)
    with lock(index):
        sweep(index, "tmp-")  # a sealed generation that lost its pointer stays until there is another
        number = next_number(index)
        temporary, final = index / f"tmp-{number:06d}", index / f"gen-{number:06d}"
        temporary.mkdir()
        try:
            _unpack(file, temporary)
            manifest = read_manifest(temporary)
            verify_files(temporary, manifest, trust=False)
            open_generation(temporary).release()
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        reached("restore.rename")
        temporary.rename(final)
        sync_directory(index)
        point(index, "CURRENT", final)
        sweep(index)
    return {"index": str(index), "documents": manifest.documents, "chunks": manifest.chunks}


class _Unzipped(gzip.GzipFile):
    """A gzip file that refuses to be read in one gulp: the length of a header comes from the file, and may be that of all memory."""

    def __init__(self, path: Path) -> None:
        """Open for reading."""
        super().__init__(path, "rb")

    def read(self, size: int | None = -1) -> bytes:
        """Read at most a megabyte. Raises `tarfile.ReadError` when more is asked for."""
        if size is None or not 0 <= size <= _GULP:
            raise tarfile.ReadError("a header is too long")
        return super().read(size)


def _unpack(file: Path, target: Path) -> None:
    """Unpack the regular files of a backup; anything else in it is refused, and nothing is written outside `target`."""
    try:
        with _Unzipped(file) as plain, tarfile.open(fileobj=plain, mode="r:") as tar:
            for member, name in _members(tar, file):
                path = target / name
                reached("restore.file")
                path.parent.mkdir(parents=True, exist_ok=True)
                require_space(target, min(member.size, _BLOCK), "restoring")
                with path.open("xb") as new:
                    _copy(cast(BinaryIO, tar.extractfile(member)), new, target)
    except (tarfile.TarError, EOFError, zlib.error, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise StoreError(f"{error.filename}: {error.strerror}; check the path, its permissions and the space left") from None
        raise StoreError(f"{file}: not a backup of an index, or damaged ({error}); take another one") from None


def _members(tar: tarfile.TarFile, file: Path) -> Iterator[tuple[tarfile.TarInfo, str]]:
    for number, member in enumerate(tar):
        if number >= MAX_MEMBERS:
            raise StoreError(f"{file}: more than {MAX_MEMBERS} files are no backup of an index")
        parts = member.name.split("/")
        if not member.isreg() or member.issparse() or not _MEMBER.fullmatch(member.name) or any(p in ("", ".", "..") for p in parts):
            raise StoreError(f"{file}: holds {member.name[:100]!r}, which is no file of an index; it was not made by `rag backup`")
        yield member, "/".join(parts[1:])


def _copy(source: BinaryIO, target: BinaryIO, folder: Path) -> None:
    """Copy a file, leaving holes where it is zero: the engine's files are mostly that."""
    size = looked = 0
    while block := source.read(_BLOCK):
        if block == _ZERO[: len(block)]:
            target.seek(len(block), os.SEEK_CUR)
        else:
            looked += target.write(block)
            if looked > 512 * _BLOCK:
                require_space(folder, 0, "restoring")
                looked = 0
        size += len(block)
    target.truncate(size)
