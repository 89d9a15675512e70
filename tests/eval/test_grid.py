"""Configurations that cut alike share one index, built once, kept, and never taken from under another process."""

from __future__ import annotations

import pytest

from eval import grid
from eval.grid import groups, open_shared
from rag.config import parse
from rag.errors import StoreError
from rag.index.lock import lock
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Document

DOCUMENTS = [Document("a.md", "the cat sat"), Document("b.md", "dogs bark")]


def pipeline(retrieve, chunk="whole", **more):
    return parse({"chunk": chunk, "retrieve": retrieve, "models": {"encoder": "hashing-64"}, **more})


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A cache of this test's own."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path))
    return tmp_path / "indexes"


@pytest.fixture
def fresh():
    return Runtime(memo=Memo(), show_progress=False)


def test_groups_are_those_that_share_chunks_and_tenancy():
    found = groups(
        {
            "one": pipeline("bm25"),
            "two": pipeline("dense"),
            "three": pipeline("bm25", {"use": "fixed", "size": 9}),
            "four": pipeline("bm25", index={"tenant_key": "t"}),
            "five": pipeline("bm25", index={"search": "hnsw"}),
        }
    )
    assert found == [["one", "two", "five"], ["three"], ["four"]]


def test_one_index_serves_the_union_of_spaces_exactly_and_is_built_once(home, fresh):
    several = [pipeline("bm25"), pipeline("dense", index={"search": "hnsw"}), pipeline("rank_bm25")]
    with open_shared(several, DOCUMENTS, "digest", fresh) as index:
        assert not index.manifest.hnsw
        for p in several:
            assert [h.chunk.span.doc_id for h in p.search(index, "the cat sat")[0]][:1] == ["a.md"]
    writes = fresh.work.writes
    assert writes == 4
    with open_shared(several[::-1], DOCUMENTS, "digest", fresh) as index:
        assert index.manifest.chunks == 2
    assert fresh.work.writes == writes
    with open_shared(several, DOCUMENTS[:1], "other digest", fresh):
        assert len(list(home.iterdir())) == 2


def test_a_damaged_index_is_built_anew(home, fresh):
    with open_shared([pipeline("bm25")], DOCUMENTS, "digest", fresh):
        pass
    (path,) = home.iterdir()
    next(path.glob("gen-*/manifest.json")).write_text("{")
    with open_shared([pipeline("bm25")], DOCUMENTS, "digest", fresh) as index:
        assert index.manifest.chunks == 2
    assert fresh.work.writes == 8


def test_an_index_that_another_process_is_building_is_left_alone(home, fresh):
    with open_shared([pipeline("bm25")], DOCUMENTS, "digest", fresh):
        pass
    (path,) = home.iterdir()
    (path / "CURRENT").unlink()  # as it is while the first build runs
    with lock(path), pytest.raises(StoreError, match="is being built by process"):
        open_shared([pipeline("bm25")], DOCUMENTS, "digest", fresh)
    assert len(list(path.glob("gen-*"))) == 1


def test_making_room_spares_what_is_being_built(home, fresh, monkeypatch):
    with open_shared([pipeline("bm25")], DOCUMENTS, "one", fresh):
        pass
    (busy,) = home.iterdir()
    monkeypatch.setattr(grid, "CAP", 1)
    with lock(busy), open_shared([pipeline("bm25")], DOCUMENTS, "two", fresh):
        assert (busy / "CURRENT").is_file()


def test_the_index_used_longest_ago_goes_when_room_is_needed(home, fresh, monkeypatch):
    """The engine's files are sparse: what counts is the room they take, not their length."""
    with open_shared([pipeline("bm25")], DOCUMENTS, "one", fresh):
        pass
    (old,) = home.iterdir()
    with open_shared([pipeline("bm25")], DOCUMENTS, "two", fresh):
        pass
    assert old.is_dir()
    monkeypatch.setattr(grid, "CAP", 1)
    with open_shared([pipeline("bm25")], DOCUMENTS, "three", fresh):
        pass
    assert not old.exists()
    assert len(list(home.iterdir())) == 1
