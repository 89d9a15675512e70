"""Backups: one file that becomes an equal index, or is refused whole, whatever happened to it."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from rag.errors import StoreError
from rag.index.backup import backup, restore
from rag.index.check import check
from rag.index.files import digest_file, files, used
from rag.index.generation import STAMPS
from rag.index.lock import lock
from rag.index.store import Index

THREE = {"a.md": "the cat sat on the mat", "b.md": "dogs bark at cats", "c.md": "a bird sings"}


@pytest.fixture(scope="module")
def built(lab):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE)
    return path


@pytest.fixture(scope="module")
def saved(built, tmp_path_factory):
    file = tmp_path_factory.mktemp("backup") / "ix.tar.gz"
    backup(built, file)
    return file


def live(path):
    return path / (path / "CURRENT").read_text().strip()


def test_what_is_restored_is_what_was_backed_up(lab, built, saved, tmp_path):
    done = restore(saved, tmp_path / "new")
    assert (done["documents"], done["chunks"]) == (3, 3)
    one, two = ({n: digest_file(p) for n, p in files(live(path)).items() if n != STAMPS} for path in (built, tmp_path / "new"))
    assert one == two
    with Index.open(built, lab.runtime) as a, Index.open(tmp_path / "new", lab.runtime) as b:
        assert a.manifest == b.manifest
        assert check(b)["faults"] == []
        assert a.pipeline.search(a, "cat")[0] == b.pipeline.search(b, "cat")[0]
    apparent = sum(p.stat().st_size for p in files(live(tmp_path / "new")).values())
    assert used(tmp_path / "new") < apparent / 10  # holes are holes again
    assert lab.counts(lab.build(tmp_path / "new", lab.pipeline(), THREE)) == lab.expect(unchanged=3)


def test_a_backup_says_what_it_holds_and_replaces_an_older_one(built, tmp_path):
    file = tmp_path / "ix.tar.gz"
    file.write_bytes(b"older")
    done = backup(built, file)
    assert done == {"file": str(file), "bytes": file.stat().st_size, "documents": 3, "chunks": 3}
    assert [p.name for p in tmp_path.iterdir()] == ["ix.tar.gz"]


def test_a_backup_waits_for_no_builder_and_leaves_the_older_one(built, tmp_path):
    file = tmp_path / "ix.tar.gz"
    file.write_bytes(b"older")
    with lock(built), pytest.raises(StoreError, match="is being built by process"):
        backup(built, file)
    with pytest.raises(StoreError, match="there is no index"):
        backup(tmp_path / "none", file)
    assert file.read_bytes() == b"older"
    assert [p.name for p in tmp_path.iterdir()] == ["ix.tar.gz"]


def test_a_damaged_index_is_not_backed_up(lab, tmp_path):
    path = lab.folder()
    lab.build(path, lab.pipeline("bm25"), THREE)
    (live(path) / "documents.sqlite").write_bytes(b"x")
    with pytest.raises(StoreError, match=r"documents.sqlite is not what was written"):
        backup(path, tmp_path / "ix.tar.gz")
    assert list(tmp_path.iterdir()) == []


def assert_refused(file, target, match):
    with pytest.raises(StoreError, match=match) as error:
        restore(file, target)
    assert "\n" not in str(error.value)
    assert not (target / "CURRENT").exists()
    assert [p.name for p in target.iterdir() if p.name != "lock"] == []


def test_an_index_is_never_restored_over_another(built, saved):
    before = live(built)
    with pytest.raises(StoreError, match="there is an index already"):
        restore(saved, built)
    assert live(built) == before


@pytest.mark.parametrize("part", range(6))
def test_a_backup_with_a_changed_byte_is_refused_or_says_the_same(built, saved, tmp_path, part):
    """Most of a backup is long runs of zeros, where another way of writing them down may be one bit away."""
    data = bytearray(saved.read_bytes())
    data[10 + (len(data) - 20) * part // 6 + 7 * part] ^= 1 << part
    (tmp_path / "bad.tar.gz").write_bytes(data)
    try:
        restore(tmp_path / "bad.tar.gz", tmp_path / "new")
    except StoreError as error:
        assert "\n" not in str(error)
        assert [p.name for p in (tmp_path / "new").iterdir()] == ["lock"]
    else:
        one, two = ({n: digest_file(p) for n, p in files(live(path)).items() if n != STAMPS} for path in (built, tmp_path / "new"))
        assert one == two


@pytest.mark.parametrize("name", ["documents.sqlite", "manifest.json", "page_0.dat"])
def test_a_backup_of_a_file_that_was_changed_is_refused(saved, tmp_path, name):
    with tarfile.open(saved) as old, tarfile.open(tmp_path / "bad.tar.gz", "w:gz", compresslevel=1) as new:
        for m in old:
            data = old.extractfile(m).read()
            if m.name.endswith(name) and data.strip(b"\0"):
                at = (
                    next(i for i in range(len(data) // 2, len(data)) if data[i])
                    if data[len(data) // 2 :].strip(b"\0")
                    else next(i for i, b in enumerate(data) if b)
                )
                data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            new.addfile(m, io.BytesIO(data))
    assert_refused(tmp_path / "bad.tar.gz", tmp_path / "new", rf"{name.replace('.json', '')}.* is (not what was|missing or damaged)")


@pytest.mark.parametrize("keep", [0, 5, 1000, 0.5, 0.99])
def test_a_backup_cut_short_is_refused(saved, tmp_path, keep):
    data = saved.read_bytes()
    (tmp_path / "bad.tar.gz").write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    assert_refused(tmp_path / "bad.tar.gz", tmp_path / "new", "not a backup of an index, or damaged|missing")


def archive(path, *members):
    """Write a tar file of members, given as name and bytes or ready `TarInfo`."""
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member[0])
            data = b"" if isinstance(member, tarfile.TarInfo) else member[1]
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def link(kind):
    info = tarfile.TarInfo("gen-000001/x")
    info.type, info.linkname = kind, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    "member",
    [("../evil", b"x"), ("/evil", b"x"), ("gen-000001/../../evil", b"x"), ("gen-000001//evil", b"x"), ("gen-000001/./evil", b"x"), ("other/x", b"x"), ("gen-1/x", b"x"),
     link(tarfile.SYMTYPE), link(tarfile.LNKTYPE), link(tarfile.FIFOTYPE), link(tarfile.CHRTYPE)],
)  # fmt: skip
def test_a_member_that_is_no_file_of_an_index_is_refused_and_nothing_lands_outside(tmp_path, member):
    (tmp_path / "work").mkdir()
    file = archive(tmp_path / "work" / "bad.tar.gz", ("gen-000001/a", b"x"), member)
    assert_refused(file, tmp_path / "work" / "new", "which is no file of an index")
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == ["work", "work/bad.tar.gz", "work/new", "work/new/lock"]


def test_an_archive_of_something_else_is_refused(tmp_path):
    assert_refused(archive(tmp_path / "a.tar.gz", ("gen-000001/a", b"x")), tmp_path / "one", "manifest is missing")
    (tmp_path / "b.tar.gz").write_bytes(gzip.compress(b"text"))
    assert_refused(tmp_path / "b.tar.gz", tmp_path / "two", "not a backup")
    assert_refused(tmp_path / "none.tar.gz", tmp_path / "three", "No such file")


def test_a_file_that_was_added_to_a_backup_is_refused(saved, tmp_path):
    with tarfile.open(saved) as old, tarfile.open(tmp_path / "more.tar.gz", "w:gz") as new:
        for m in old:
            new.addfile(m, old.extractfile(m))
        new.addfile(tarfile.TarInfo("gen-000001/shard/extra"), io.BytesIO(b""))
    assert_refused(tmp_path / "more.tar.gz", tmp_path / "new", "shard/extra does not belong to it")
