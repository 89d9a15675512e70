"""Files of a generation: copies that share nothing, and every change of a byte, a name or a length noticed."""

from __future__ import annotations

import os

import pytest

from rag.errors import StoreError
from rag.index import files as module
from rag.index.files import copy_file, copy_tree, digest_file, files, require_space, stamp, sync_tree, used, verify

BLOCK = 1 << 16


def sparse(path, size, *parts):
    """Write a file that is a hole but for some parts, given as offset and bytes."""
    with path.open("wb") as file:
        file.truncate(size)
        for at, data in parts:
            file.seek(at)
            file.write(data)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "gen"
    (made / "shard" / "deep").mkdir(parents=True)
    (made / "a.txt").write_bytes(b"alpha")
    (made / "shard" / "b.bin").write_bytes(os.urandom(3 * BLOCK + 17))
    sparse(made / "shard" / "deep" / "c.dat", 40 * BLOCK, (0, b"head"), (20 * BLOCK + 5, b"middle"))
    (made / "shard" / "empty").write_bytes(b"")
    return made


def digests(folder):
    return {name: digest_file(path) for name, path in files(folder).items()}


def problem(folder, expected, stamps=None):
    return verify(folder, expected, stamps or {})[0]


def test_what_was_not_changed_is_sound_and_its_stamps_are_returned(folder):
    expected = digests(folder)
    assert sorted(expected) == ["a.txt", "shard/b.bin", "shard/deep/c.dat", "shard/empty"]
    assert verify(folder, expected, {}) == ("", {n: stamp(p) for n, p in files(folder).items()})


def rewrite(path, at, data):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


DAMAGE = {
    "missing": (lambda f: (f / "a.txt").unlink(), "a.txt is missing"),
    "extra": (lambda f: (f / "shard" / "more").write_bytes(b""), "shard/more does not belong to it"),
    "changed": (lambda f: rewrite(f / "shard" / "b.bin", 2 * BLOCK, bytes([digest_byte(f) ^ 1])), "shard/b.bin is not what was written"),
    "zeroed-block": (lambda f: rewrite(f / "shard" / "b.bin", BLOCK, bytes(BLOCK)), "shard/b.bin is not what was written"),
    "zeroed-part": (lambda f: rewrite(f / "shard" / "deep" / "c.dat", 20 * BLOCK + 5, bytes(6)), "shard/deep/c.dat is not what was written"),
    "truncated": (lambda f: os.truncate(f / "shard" / "b.bin", 3 * BLOCK), "shard/b.bin is not what was written"),
    "hole-cut": (lambda f: os.truncate(f / "shard" / "deep" / "c.dat", 39 * BLOCK), "shard/deep/c.dat is not what was written"),
    "hole-grown": (lambda f: os.truncate(f / "shard" / "deep" / "c.dat", 41 * BLOCK), "shard/deep/c.dat is not what was written"),
    "written-in-hole": (lambda f: rewrite(f / "shard" / "deep" / "c.dat", 30 * BLOCK + 1, b"x"), "shard/deep/c.dat is not what was written"),
    "emptied": (lambda f: (f / "a.txt").write_bytes(b""), "a.txt is not what was written"),
    "grown": (lambda f: (f / "shard" / "empty").write_bytes(b"\0"), "shard/empty is not what was written"),
}


def digest_byte(folder):
    return (folder / "shard" / "b.bin").read_bytes()[2 * BLOCK]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_named(folder, damage):
    expected = digests(folder)
    change, words = DAMAGE[damage]
    change(folder)
    assert problem(folder, expected) == words


def test_data_moved_to_another_block_is_found(folder):
    """Blocks of zeros are passed over, so where a block lies has to count."""
    expected = digests(folder)
    sparse(folder / "shard" / "deep" / "c.dat", 40 * BLOCK, (0, b"head"), (21 * BLOCK + 5, b"middle"))
    assert problem(folder, expected) == "shard/deep/c.dat is not what was written"


@pytest.mark.parametrize("link", ["file", "folder", "dangling"])
def test_a_link_is_found(folder, tmp_path, link):
    expected = digests(folder)
    if link == "folder":
        (tmp_path / "elsewhere").mkdir()
        (folder / "shard" / "more").symlink_to(tmp_path / "elsewhere")
        assert problem(folder, expected) == "shard/more does not belong to it"
        return
    (tmp_path / "copy").write_bytes(b"alpha")
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(tmp_path / ("copy" if link == "file" else "none"))
    assert problem(folder, expected) == "a.txt is a link"


def test_a_hole_that_was_filled_with_zeros_is_the_same_file(folder):
    expected, path = digests(folder), folder / "shard" / "deep" / "c.dat"
    before = path.stat().st_blocks
    path.write_bytes(path.read_bytes())
    assert path.stat().st_blocks > before
    assert problem(folder, expected) == ""


def test_the_engines_settings_are_what_they_say_in_whatever_order(tmp_path):
    path = tmp_path / "edge_config.json"
    path.write_text('{"a": 1, "b": [2]}')
    before = digest_file(path)
    path.write_text('{ "b": [2],\n"a": 1}')
    assert digest_file(path) == before
    for other in ('{"a": 1, "b": [3]}', '{"a": 1', ""):
        path.write_text(other)
        assert digest_file(path) != before


def test_a_file_whose_stamp_is_as_it_was_is_not_read_and_one_that_was_touched_is(folder, monkeypatch):
    expected = digests(folder)
    _, stamps = verify(folder, expected, {})
    read = []
    real = module.digest_file
    monkeypatch.setattr(module, "digest_file", lambda p: read.append(p.name) or real(p))
    assert verify(folder, expected, stamps) == ("", stamps)
    assert read == []
    os.utime(folder / "a.txt", ns=(1, 1))
    assert problem(folder, expected, stamps) == ""
    assert read == ["a.txt"]


def test_the_manifest_and_files_half_written_are_apart(folder):
    expected = digests(folder)
    for name in ("manifest.json", "stamps.json", ".stamps.json.tmp"):
        (folder / name).write_text("{}")
    assert problem(folder, expected) == ""


@pytest.mark.parametrize("reflink", [True, False])
def test_a_copy_is_equal_keeps_holes_and_shares_no_inode(folder, tmp_path, monkeypatch, reflink):
    if not reflink:
        monkeypatch.setattr(module, "_FICLONE", 0)  # an order no file system knows
    copy = tmp_path / "copy"
    copy_tree(folder, copy)
    assert digests(copy) == digests(folder)
    for name, path in files(copy).items():
        assert path.read_bytes() == (folder / name).read_bytes()
        assert (path.stat().st_ino, path.stat().st_nlink) != (files(folder)[name].stat().st_ino, 2)
        assert path.stat().st_nlink == 1
    assert used(copy) <= used(folder)
    rewrite(copy / "a.txt", 0, b"B")
    assert (folder / "a.txt").read_bytes() == b"alpha"


def test_a_file_that_is_only_a_hole_is_copied_as_one(tmp_path):
    sparse(tmp_path / "hole", 10 * BLOCK)
    copy_file(tmp_path / "hole", tmp_path / "copy")
    assert ((tmp_path / "copy").stat().st_size, used(tmp_path)) == (10 * BLOCK, 0)


def test_copying_never_writes_over_what_is_there(folder, tmp_path):
    (tmp_path / "there").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        copy_file(folder / "a.txt", tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == b"mine"
    with pytest.raises(FileExistsError):
        copy_tree(folder, tmp_path)


def test_syncing_reads_every_folder_and_changes_nothing(folder):
    before = {n: stamp(p) for n, p in files(folder).items()}
    sync_tree(folder)
    assert {n: stamp(p) for n, p in files(folder).items()} == before


def test_too_little_space_is_refused_with_both_numbers(tmp_path):
    require_space(tmp_path, 0, "indexing")
    with pytest.raises(StoreError, match=r"indexing needs about 1,000,067(\.1)? MB of free disk space, there are [\d,.]+; free some"):
        require_space(tmp_path, 10**12, "indexing")
