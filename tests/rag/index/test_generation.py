"""Opening a generation: no sealed byte changes, nothing is left behind, and every file is held against its digest."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from rag.errors import StoreError
from rag.index import generation as module
from rag.index.files import digest_file, files, stamp
from rag.index.generation import STAMPS, layout, open_generation, verify_files
from rag.index.manifest import read_manifest
from rag.index.store import Index

THREE = {"a.md": "the cat sat on the mat", "b.md": "dogs bark at cats", "c.md": "a bird sings"}


@pytest.fixture(scope="module")
def sealed(lab):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE)
    return path


@pytest.fixture
def built(lab, sealed):
    path = lab.folder()
    shutil.copytree(sealed, path)
    return path


def live(path):
    return path / (path / "CURRENT").read_text().strip()


def test_a_layout_is_that_of_the_manifest(sealed):
    found = layout(read_manifest(live(sealed)))
    assert (list(found.dense.values()), len(found.sparse), found.hnsw) == ([64], 1, False)


def test_searching_changes_no_sealed_file(lab, built):
    before = {n: digest_file(p) for n, p in files(built).items()}
    for _ in range(2):
        with Index.open(built, lab.runtime) as index:
            index.pipeline.search(index, "cat")
    assert {n: digest_file(p) for n, p in files(built).items() if not n.endswith(STAMPS)} == {n: d for n, d in before.items() if not n.endswith(STAMPS)}


def test_what_was_opened_aside_is_removed_when_it_is_closed_and_when_it_fails(lab, built, monkeypatch):
    made = []
    real = module.Aside

    def aside(shard):
        made.append(real(shard))
        return made[-1]

    monkeypatch.setattr(module, "Aside", aside)
    index = Index.open(built, lab.runtime)
    assert made[0].path.is_dir()
    index.close()
    lab.reseal(built, lambda m: m.update(points=7))
    with pytest.raises(StoreError, match="holds 6 points"):
        Index.open(built, lab.runtime)
    assert [a.path.exists() for a in made] == [False, False]


def test_an_index_that_must_not_be_written_to_is_read_from_a_copy(lab, built, monkeypatch):
    monkeypatch.setattr(module, "_writable", lambda shard: False)
    before = {n: stamp(p) for n, p in files(live(built)).items()}
    with Index.open(built, lab.runtime) as index:
        assert index.pipeline.search(index, "cat")[0]
    assert {n: stamp(p) for n, p in files(live(built)).items() if n != STAMPS} == {n: s for n, s in before.items() if n != STAMPS}


def test_only_folders_of_readers_that_died_are_swept_away(tmp_path):
    died, ours, young = (tmp_path / f"spanwise-reader-{n}" for n in ("died", "notes", "young"))
    foreign = tmp_path / "spanwise-results"
    for folder in (died / "shard", ours / "shard", young / "shard", foreign):
        folder.mkdir(parents=True)
    (ours / "notes.txt").write_text("mine")
    for folder in (died, ours, foreign):
        os.utime(folder, (1, 1))
    module._sweep(tmp_path)
    assert [f.exists() for f in (died, ours, young, foreign)] == [False, True, True, True]


def every_file(folder):
    return sorted(n for n, p in files(folder).items() if n not in (STAMPS, "manifest.json") and p.stat().st_size)


def test_any_file_that_is_missing_cut_or_changed_is_named(lab, built):
    """The whole sweep at once: one generation, each file damaged in turn and put right again."""
    generation, manifest = live(built), read_manifest(live(built))
    names = every_file(generation)
    assert len(names) > 20
    for name in names:
        path = generation / name
        data = path.read_bytes()
        first = next((i for i, b in enumerate(data) if b), None)
        damaged = [None, data[:-1]] + ([] if first is None else [data[:first] + bytes([data[first] ^ 0xFF]) + data[first + 1 :]])
        for other in damaged:
            path.unlink() if other is None else path.write_bytes(other)
            with pytest.raises(StoreError, match="the index is damaged: build it again with `rag index") as error:
                verify_files(generation, manifest)
            assert f": {name} is " in str(error.value)
            path.write_bytes(data)
    verify_files(generation, manifest, trust=False)


@pytest.mark.parametrize("data", [None, b"", b"[]", b"{", b"3", b'{"documents.sqlite": 3}', b"[" * 100_000])
def test_stamps_are_a_cache_that_may_be_anything(built, data):
    path = live(built) / STAMPS
    path.unlink() if data is None else path.write_bytes(data)
    open_generation(live(built)).release()


def test_stamps_of_a_file_that_was_written_to_do_not_vouch_for_it(built):
    path = live(built) / "documents.sqlite"
    stamps = json.loads((live(built) / STAMPS).read_text())
    assert stamps["documents.sqlite"][0] == path.stat().st_size
    path.write_bytes(path.read_bytes().replace(b"a.md", b"x.md"))
    with pytest.raises(StoreError, match=r"documents.sqlite is not what was written"):
        open_generation(live(built))
