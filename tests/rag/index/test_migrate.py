"""Migration: the new generation holds the same documents, is compared beside the live one, and answers only when told to."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from rag.errors import StoreError
from rag.index.check import check
from rag.index.manifest import waiting
from rag.index.migrate import abandon, migrate
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Document

DOCUMENTS = [
    Document("a.md", "the cat sat on the mat " * 20, {"k": ("x", "y")}, "Title", source="/corpus/a.md", modified=5.0),
    Document("b.md", "dogs bark at cats"),
]


@pytest.fixture
def built(lab):
    path = lab.folder()
    lab.build(path, lab.pipeline("bm25"), DOCUMENTS)
    return path


def other(lab, **more):
    return lab.pipeline("bm25", {"use": "fixed", "size": 9}, **more)


def names(path):
    return sorted(p.name for p in path.iterdir())


def test_the_live_index_answers_until_the_swap_and_what_waits_equals_a_fresh_build(lab, built, fresh):
    done = migrate(built, other(lab), fresh)
    assert (done.swapped, done.live["generation"], done.next["generation"]) == (False, "gen-000001", "gen-000002")
    assert (done.live["chunks"], done.report.added, done.next["documents"]) == (2, 2, 2)
    assert names(built) == ["CURRENT", "NEXT", "gen-000001", "gen-000002", "lock"]
    assert lab.live(built) == "gen-000001"
    at_once = lab.folder()
    lab.build(at_once, other(lab), DOCUMENTS)
    with Index.open(built, fresh, generation=waiting(built)) as new, Index.open(at_once, fresh) as expected:
        assert new.manifest.content == expected.manifest.content
        assert [replace(r, indexed=None) for r in new.documents.values()] == [replace(r, indexed=None) for r in expected.documents.values()]
        assert list(new.reader(other(lab)).all_chunks()) == list(expected.reader(other(lab)).all_chunks())
        assert check(new)["faults"] == []
    done = migrate(built, other(lab), fresh, swap=True)
    assert (done.swapped, done.report.unchanged, done.report.added) == (True, 2, 0)
    assert names(built) == ["CURRENT", "gen-000002", "lock"]
    assert lab.live(built) == "gen-000002"
    assert lab.counts(lab.build(built, other(lab), DOCUMENTS)) == lab.expect(unchanged=2)


def test_what_waits_is_brought_up_to_date_with_the_live_index(lab, built, fresh):
    migrate(built, other(lab), fresh)
    lab.build(built, lab.pipeline("bm25"), [DOCUMENTS[1], Document("c.md", "a bird sings")])
    assert names(built) == ["CURRENT", "NEXT", "gen-000002", "gen-000003", "lock"]
    done = migrate(built, other(lab), fresh, swap=True)
    assert lab.counts(done.report) == lab.expect(added=1, unchanged=1, deleted=1)
    assert lab.texts(built) == {"b.md": "dogs bark at cats", "c.md": "a bird sings"}


def test_what_waits_for_another_configuration_is_built_anew(lab, built, fresh):
    migrate(built, other(lab), fresh)
    done = migrate(built, lab.pipeline("dense"), fresh)
    assert (done.report.added, done.next["chunk"]) == (2, "whole")
    assert names(built) in (["CURRENT", "NEXT", "gen-000001", n, "lock"] for n in ("gen-000002", "gen-000003"))


def test_what_waits_with_vectors_of_other_files_of_the_model_is_built_anew(lab, built):
    """The configuration names the model; its files may change under that name."""
    old = Runtime(memo=Memo(), show_progress=False)
    encoder = old.encoder("hashing-64")

    old._encoders["hashing-64"] = SimpleNamespace(
        name=encoder.name, max_tokens=encoder.max_tokens, counts=encoder.counts, encode=encoder.encode, identity={**encoder.identity, "digest": "old"}
    )
    migrate(built, lab.pipeline(), old)
    done = migrate(built, lab.pipeline(), Runtime(memo=Memo(), show_progress=False), swap=True)
    assert done.report.added == 2
    with Index.open(built, lab.runtime) as index:
        assert index.pipeline.search(index, "cat")[0]


def test_what_waits_and_is_damaged_is_built_anew(lab, built, fresh):
    migrate(built, other(lab), fresh)
    generation = waiting(built)
    assert generation is not None
    (generation / "documents.sqlite").write_bytes(b"x")
    assert migrate(built, other(lab), fresh, swap=True).report.added == 2
    assert sorted(lab.texts(built)) == ["a.md", "b.md"]


def test_two_indexes_are_handed_to_be_compared(lab, built, fresh):
    done = migrate(built, other(lab), fresh, lambda live, new: {"chunks": (live.manifest.chunks, new.manifest.chunks)})
    assert done.comparison == {"chunks": (2, done.next["chunks"])}
    assert done.next["chunks"] > 2


def test_what_waits_can_be_given_up(lab, built, fresh):
    migrate(built, other(lab), fresh)
    abandon(built)
    assert names(built) == ["CURRENT", "gen-000001", "lock"]
    assert sorted(lab.texts(built)) == ["a.md", "b.md"]


def test_there_is_nothing_to_migrate_without_an_index(lab, tmp_path, fresh):
    with pytest.raises(StoreError, match="there is no index to migrate; build one"):
        migrate(tmp_path, other(lab), fresh)
