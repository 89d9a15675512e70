"""A backup is whole or not there; what is restored is a sound index or nothing, and nothing is written outside of it."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.index.backup import backup, restore
from rag.index.store import Index

from .fault_lab import Stage, World, state, worlds


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with worlds() as made:
        yield made


@pytest.fixture(scope="module")
def kept(world: World) -> Path:
    """Return a backup of the index of `BEFORE`."""
    backup(world.built.index, world.folder / "kept.tar.gz")
    return world.folder / "kept.tar.gz"


@pytest.fixture
def stage(world: World) -> Stage:
    return world.stage()


@pytest.mark.parametrize("point", ["backup.file:1", "backup.file:20", "backup.replace:1"])
@pytest.mark.parametrize("kind", ["kill", "enospc"])
def test_a_backup_that_fails_leaves_the_older_one_and_no_half(world: World, stage: Stage, point: str, kind: str) -> None:
    file = stage.path / "b.tar.gz"
    for older in (None, b"an older one"):
        if older:
            file.write_bytes(older)
        done = world.commands.run("backup", "ix", "b.tar.gz", cwd=stage.path, RAG_FAULT=f"{point}:{kind}")
        assert done.code == (-9 if kind == "kill" else 1)
        assert (file.read_bytes() if older else file.exists()) == (older or False)
        if kind == "enospc":
            assert "No space left on device" in done.line
            assert list(stage.path.glob(".*")) == []
    assert world.commands.run("backup", "ix", "b.tar.gz", "--json", cwd=stage.path).json["documents"] == 8
    assert list(stage.path.glob(".*")) == []
    restore(file, stage.path / "again")
    assert state(stage.path / "again") == world.before


@pytest.mark.parametrize("point", ["restore.file:1", "restore.file:20", "restore.rename:1", "pointer.temporary:1", "pointer.replace:1"])
@pytest.mark.parametrize("kind", ["kill", "eio"])
def test_a_restore_that_fails_is_no_index_and_the_next_completes_it(world: World, stage: Stage, kept: Path, point: str, kind: str) -> None:
    done = world.commands.run("restore", kept, "new", cwd=stage.path, RAG_FAULT=f"{point}:{kind}")
    assert done.code == (-9 if kind == "kill" else 1)
    new = Stage(stage.path / "new")
    if point.startswith("pointer.replace"):
        assert state(new.path) == world.before
        return
    assert not (new.path / "CURRENT").exists()
    assert world.commands.run("restore", kept, "new", "--json", cwd=stage.path).json["documents"] == 8
    assert state(new.path) == world.before
    assert len(list(new.path.iterdir())) == 3


def test_a_restore_that_fails_leaves_a_generation_that_lost_its_pointer(stage: Stage) -> None:
    name = (stage.index / "CURRENT").read_text()
    (stage.index / "CURRENT").unlink()
    (stage.path / "bad.tar.gz").write_bytes(b"no backup")
    with pytest.raises(StoreError, match="not a backup"):
        restore(stage.path / "bad.tar.gz", stage.index)
    (stage.index / "CURRENT").write_text(name)
    with Index.open(stage.index) as index:
        assert len(index.documents) == 8


def test_an_index_that_is_there_is_not_restored_over(world: World, stage: Stage, kept: Path) -> None:
    line = world.commands.run("restore", kept, "ix", cwd=stage.path).line
    assert "there is an index already" in line
    assert stage.state() == world.before


def rewritten(kept: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> bytes:
    """Return a backup whose members were changed, gzipped."""
    with tarfile.open(kept) as tar:
        members = [(m, found.read() if (found := tar.extractfile(m)) else b"") for m in tar]
    change(members)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return raw.getvalue()


def added(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b"evil") -> Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]:
    """Return what puts a member in front of the others."""

    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        members.insert(0, (info, data if kind == tarfile.REGTYPE else b""))

    return change


def edited(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    at = next(i for i, (m, data) in enumerate(members) if m.name.endswith("matrix.dat") and data.strip(b"\0"))
    members[at] = (members[at][0], bytes([members[at][1][0] ^ 1]) + members[at][1][1:])


def without_manifest(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    members[:] = [m for m in members if not m[0].name.endswith("/manifest.json")]


def twice(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    members.append(members[0])


BAD = {
    "parent": added("../evil"), "deep parent": added("gen-000001/../../evil"), "absolute": added("/tmp/evil-spanwise"), "dot": added("gen-000001/./evil"),
    "symbolic link": added("gen-000001/shard", tarfile.SYMTYPE, "/tmp"), "hard link": added("gen-000001/x", tarfile.LNKTYPE, "/etc/passwd"),
    "device": added("gen-000001/null", tarfile.CHRTYPE), "pipe": added("gen-000001/pipe", tarfile.FIFOTYPE), "folder": added("gen-000001/f", tarfile.DIRTYPE),
    "foreign": added("notes.txt"), "extra": added("gen-000001/shard/extra"), "edited": edited, "no manifest": without_manifest, "twice": twice,
    "empty": lambda members: members.clear(), "long": added("gen-000001/" + "a/" * 5000 + "b"), "backslash": added("gen-000001\\..\\evil"),
}  # fmt: skip


def refused(stage: Stage, data: bytes) -> str:
    """Restore what must not be restored; return what is said, having seen that nothing is left and nothing written elsewhere."""
    file, target = stage.path / "bad.tar.gz", stage.path / "inner" / "new"
    file.write_bytes(data)
    before = {p for p in stage.path.rglob("*") if target not in (p, *p.parents)}
    with pytest.raises(StoreError) as failed:
        restore(file, target)
    assert {p for p in stage.path.rglob("*") if target not in (p, *p.parents)} - before <= {target.parent}
    assert not target.exists() or {p.name for p in target.iterdir()} <= {"lock"}
    assert not Path("/tmp/evil-spanwise").exists()
    return str(failed.value)


@pytest.mark.parametrize("name", BAD)
def test_a_backup_that_is_none_is_refused(stage: Stage, kept: Path, name: str) -> None:
    refused(stage, rewritten(kept, BAD[name]))


def test_a_backup_cut_or_changed_anywhere_is_refused_or_whole(world: World, stage: Stage, kept: Path) -> None:
    whole = kept.read_bytes()
    for part in range(8):
        refused(stage, whole[: len(whole) * part // 8])
        at = len(whole) * (2 * part + 1) // 16
        (stage.path / "flipped.tar.gz").write_bytes(whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :])
        try:
            restore(stage.path / "flipped.tar.gz", stage.path / f"flipped-{part}")
        except StoreError:
            continue
        assert state(stage.path / f"flipped-{part}") == world.before  # zeros that are copied from elsewhere are zeros
    refused(stage, b"not a tar at all")
    refused(stage, gzip.compress(b"not a tar at all" * 1000))


def test_a_bomb_costs_neither_memory_nor_disk_nor_time(stage: Stage) -> None:
    """A header that says it is a gigabyte long, a sparse file that says it is a petabyte, and ten thousand times its size in zeros."""
    header = tarfile.TarInfo("gen-000001/x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    long = gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 24), 1)
    sparse = tarfile.TarInfo("gen-000001/x")
    sparse.size = 512
    sparse.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "gen-000001/x", "GNU.sparse.realsize": str(1 << 50)}
    petabyte = gzip.compress(sparse.tobuf(tarfile.PAX_FORMAT) + b"0\n".ljust(512, b"\0") + bytes(1024))
    zeros = tarfile.TarInfo("gen-000001/x")
    zeros.size = 1 << 28
    flat = gzip.compress(zeros.tobuf() + bytes((1 << 28) + 1024), 1)
    free = os.statvfs(stage.path).f_bavail * os.statvfs(stage.path).f_frsize
    start = time.monotonic()
    assert "a header is too long" in refused(stage, long)
    refused(stage, petabyte)
    refused(stage, flat)
    assert time.monotonic() - start < 60
    assert free - os.statvfs(stage.path).f_bavail * os.statvfs(stage.path).f_frsize < 50_000_000
