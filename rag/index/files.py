"""Files of a generation: copied without linking, digested, synced, and held against what their manifest says."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from rag.errors import StoreError

_FICLONE = 0x40049409  # Linux: share the blocks of a file until one of the two is written
_BLOCK = 1 << 16
_ZERO = bytes(_BLOCK)
MARGIN = 64 * 1024**2  # bytes that stay free on the disk whatever is written, or a twentieth of a smaller one
_APART = ("manifest.json", "stamps.json")  # the manifest holds its own seal
Digest = list[int | str]  # size in bytes, digest


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder of regular files, sharing blocks where the file system can, holes kept. `target` must not exist."""
    target.mkdir()
    for entry in sorted(source.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            copy_tree(entry, target / entry.name)
        else:
            copy_file(entry, target / entry.name)


def copy_file(source: Path, target: Path) -> None:
    """Copy one file: a reflink, else its bytes without its holes. Never a hard link: patching one would change the other."""
    with source.open("rb") as old, target.open("xb") as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            size = os.fstat(old.fileno()).st_size
            for start, end in _data(old.fileno(), size):
                os.lseek(new.fileno(), start, os.SEEK_SET)
                while start < end and (sent := os.sendfile(new.fileno(), old.fileno(), start, end - start)):
                    start += sent
            os.ftruncate(new.fileno(), size)


def _data(handle: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of a file that hold data; one range where the file system does not tell."""
    at = 0
    while at < size:
        try:
            start = os.lseek(handle, at, os.SEEK_DATA)
            end = os.lseek(handle, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            start, end = at, size
        yield start, min(end, size)
        at = end


def digest_file(path: Path) -> Digest:
    """Return size and digest (blake2b, 128 bits) of a file. Blocks of zeros count as holes: a copy may fill them or not."""
    if path.name == "edge_config.json":
        return _digest_json(path)
    h = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        done = 0
        for start, end in _data(file.fileno(), size):
            at = max(done, start // _BLOCK * _BLOCK)
            while at < end:
                block = os.pread(file.fileno(), _BLOCK, at)
                if not block:
                    break
                if block != _ZERO[: len(block)]:
                    h.update(at.to_bytes(8, "little"))
                    h.update(block)
                at += _BLOCK
            done = at
    return [size, h.hexdigest()]


def _digest_json(path: Path) -> Digest:
    """Return a digest of what a file says: the engine writes this one anew at every opening, its keys in any order."""
    try:
        text = json.dumps(json.loads(path.read_bytes()), sort_keys=True)
    except (ValueError, RecursionError):
        return [0, "unreadable"]
    return [0, hashlib.blake2b(text.encode(), digest_size=16).hexdigest()]


def files(folder: Path) -> dict[str, Path]:
    """Return the regular files below a folder by their path in it."""
    return {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file() or p.is_symlink()}


def stamp(path: Path) -> list[int]:
    """Return what changes when a file is written to: size, modification and change time, inode."""
    found = path.stat(follow_symlinks=False)
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def verify(folder: Path, expected: Mapping[str, list[int | str]], stamps: Mapping[str, list[int]]) -> tuple[str, dict[str, list[int]]]:
    """Return the first thing wrong with the files below a folder, empty when nothing is, and the stamps they have now.

    A file whose stamp is as it was is not read again. The engine touches the times of small files when it opens a shard.
    """
    found = {n: p for n, p in files(folder).items() if n not in _APART and not n.startswith(".")}
    now = {name: stamp(path) for name, path in found.items()}  # before anything is read: what is written meanwhile has another
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            return f"{name} is missing", {}
        if name not in expected:
            return f"{name} does not belong to it", {}
        if found[name].is_symlink():
            return f"{name} is a link", {}
        if stamps.get(name) != now[name] and digest_file(found[name]) != list(expected[name]):
            return f"{name} is not what was written", {}
    return "", now


def sync_tree(folder: Path) -> None:
    """Have every file below a folder, and the folders themselves, on disk."""
    for parent, _, names in os.walk(folder):
        for name in [*names, "."]:
            handle = os.open(Path(parent) / name, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def used(folder: Path) -> int:
    """Return the bytes on disk below a folder; the engine's files are mostly holes, so blocks count."""
    return sum(p.stat().st_blocks * 512 for p in folder.rglob("*") if p.is_file())


def require_space(folder: Path, needed: int, doing: str) -> None:
    """Raise `StoreError` when the disk has not `needed` bytes free and a margin: the engine dies when a disk is full."""
    disk = shutil.disk_usage(folder)
    needed += min(MARGIN, disk.total // 20)
    if disk.free < needed:
        raise StoreError(f"{folder}: {doing} needs about {needed / 1e6:,.1f} MB of free disk space, there are {disk.free / 1e6:,.1f}; free some")
