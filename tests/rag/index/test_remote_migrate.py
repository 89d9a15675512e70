"""Another model or chunker on a server: built beside, seen by both, swapped by an alias, and never at the cost of somebody else's collection."""

from __future__ import annotations

import pytest

from rag.errors import StoreError
from rag.index.remote import LONGEST, Server
from rag.index.remote_migrate import abandon_remote

from .remote_lab import STEP, Disk, Lab, pipeline, sound, texts

DOCS = {"a": "cat dog text", "b": "horse new words", "c": "zebra"}
OLD, NEW = pipeline(), pipeline("bm25", chunk="whole")


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    return Disk(tmp_path_factory.mktemp("disk"))


@pytest.fixture
def lab():
    made = Lab()
    made.build(OLD, DOCS)
    return made


def state(lab):
    admin = lab.server().admin
    return admin.aliases(), admin.collections()


def test_it_is_built_beside_seen_by_the_comparison_and_waits(lab, disk):
    seen = []
    done = lab.migrate(NEW, compare=lambda live, new: seen.append((texts(live), texts(new), live.manifest.chunk_key, new.manifest.chunk_key)) or {"n": 1})
    assert seen == [(DOCS, DOCS, OLD.chunk_key, NEW.chunk_key)]
    assert (done.swapped, done.comparison, done.live["generation"], done.next["generation"]) == (False, {"n": 1}, "idx-000001", "idx-000002")
    assert state(lab) == ({"idx": "idx-000001", "idx--next": "idx-000002"}, ["idx-000001", "idx-000002"])
    disk.same(lab, OLD, DOCS)


def test_after_the_swap_the_new_answers_and_nothing_of_the_old_is_left(lab, disk):
    lab.migrate(NEW)
    report = lab.migrate(NEW, swap=True).report
    assert (report.added, report.unchanged) == (0, 3)
    assert state(lab) == ({"idx": "idx-000002"}, ["idx-000002"])
    disk.same(lab, NEW, DOCS)
    lab.build(NEW, DOCS)
    disk.same(lab, NEW, DOCS)


def test_what_was_indexed_in_between_is_brought_along(lab, disk):
    lab.migrate(NEW)
    docs = {"a": "cat cat", "c": "zebra", "d": "dog"}
    lab.build(OLD, docs)
    report = lab.migrate(NEW, swap=True).report
    assert (report.added, report.updated, report.unchanged, report.deleted) == (1, 1, 1, 1)
    disk.same(lab, NEW, docs)


def test_a_third_configuration_takes_the_place_of_what_waits(lab, disk):
    lab.migrate(NEW)
    third = pipeline("dense", chunk="whole")
    lab.migrate(third, swap=True)
    assert state(lab)[0].keys() == {"idx"}
    assert len(state(lab)[1]) == 1
    disk.same(lab, third, DOCS)


def test_dropping_takes_back_what_waits(lab, disk):
    lab.migrate(NEW)
    abandon_remote(lab.server())
    abandon_remote(lab.server())
    assert state(lab) == ({"idx": "idx-000001"}, ["idx-000001"])
    disk.same(lab, OLD, DOCS)


def test_without_an_index_there_is_nothing_to_migrate():
    with pytest.raises(StoreError, match="no index to migrate; build one"):
        Lab().migrate(NEW)


def test_cut_off_at_any_request_the_old_or_the_new_answers_and_the_next_call_completes_it(disk, monkeypatch):
    monkeypatch.setattr("rag.index.commit.WINDOW", 2)
    changed = {**DOCS, "a": "cat again", "e": "dog"}
    resumed = 0
    for number in range(1, 300, STEP):
        lab = Lab()
        lab.build(OLD, DOCS)
        with lab.failing(number) as cut:
            lab.migrate(NEW, swap=True)
        aliases, collections = state(lab)
        assert "idx" in aliases
        assert set(aliases.values()) <= set(collections)
        with lab.opened() as index:
            sound(index)
            assert texts(index) == DOCS
            live = index.manifest.chunk_key
        if not cut:
            break
        lab.build(OLD if live == OLD.chunk_key else NEW, changed)
        report = lab.migrate(NEW, swap=True).report
        resumed += bool(report.unchanged and live == OLD.chunk_key)
        disk.same(lab, NEW, changed)
        aliases, collections = state(lab)
        assert list(aliases) == ["idx"]
        assert all(c in aliases.values() or lab.client.count(c).count == 0 for c in collections)
    else:
        raise AssertionError("there is no end to it")
    assert number > 30
    assert resumed > 5  # what was written before the cut was not written again


def foreign(lab, name):
    lab.client.create_collection(name, vectors_config={})
    from qdrant_client import models

    lab.client.upsert(name, [models.PointStruct(id=1, vector={}, payload={"theirs": True})])


def theirs(lab, name):
    return lab.client.retrieve(name, [1])[0].payload == {"theirs": True}


def test_a_collection_of_that_name_is_refused_and_left_alone():
    lab = Lab()
    foreign(lab, "idx")
    for action in (lambda: lab.build(OLD, DOCS), lambda: lab.build(OLD, DOCS, rebuild=True), lambda: lab.migrate(NEW), lab.server):
        with pytest.raises(StoreError, match=r"not made by `rag index`.*choose another name"):
            action()
    assert theirs(lab, "idx")
    assert lab.client.get_aliases().aliases == []
    assert [c.name for c in lab.client.get_collections().collections] == ["idx"]


def test_a_collection_that_looks_like_one_of_ours_is_left_alone():
    lab = Lab()
    foreign(lab, "idx-000001")
    lab.build(OLD, DOCS)
    lab.build(OLD, DOCS, rebuild=True)
    lab.migrate(NEW, swap=True)
    assert theirs(lab, "idx-000001")
    assert state(lab) == ({"idx": "idx-000004"}, ["idx-000001", "idx-000004"])


@pytest.mark.parametrize("alias", ["idx", "idx--next"])
def test_an_alias_of_somebody_else_is_not_moved(alias):
    lab = Lab()
    if alias == "idx--next":
        lab.build(OLD, DOCS)
    foreign(lab, "theirs")
    lab.server().admin.swap_alias(alias, "theirs")
    for action in (lambda: lab.migrate(NEW, swap=True), lambda: lab.build(OLD, DOCS, rebuild=True) if alias == "idx" else abandon_remote(lab.server())):
        with pytest.raises(StoreError, match=f"alias '{alias}' points at 'theirs'.*choose another name"):
            action()
    assert lab.server().admin.aliases()[alias] == "theirs"
    assert theirs(lab, "theirs")


def test_an_index_named_like_a_generation_of_another_is_not_in_its_way(disk):
    lab, other = Lab(), Lab("idx-000001")
    other.client, other.calls = lab.client, lab.calls
    other.build(OLD, {"x": "cat"})
    lab.build(OLD, DOCS)
    lab.build(OLD, DOCS, rebuild=True)
    disk.same(lab, OLD, DOCS)
    disk.same(other, OLD, {"x": "cat"})


@pytest.mark.parametrize("name", ["idx--next", "x" * (LONGEST + 1)])
def test_a_name_that_migrations_need_is_refused(name):
    with pytest.raises(StoreError, match="the name of an index on a server"):
        Server(f"http://localhost/{name}")
