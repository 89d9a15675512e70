"""A failure at any point of a build leaves the old index answering, and the same command completes it as if nothing had been."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.index.check import check
from rag.index.faults import POINTS
from rag.index.store import Index

from .fault_lab import FULL, MIGRATE, Done, Stage, World, state, worlds

BUILD = [p for p in POINTS if p.split(".")[0] not in ("backup", "restore", "migrate")]
IN_CHILD = [p for p in BUILD if p.startswith("child.")]
ONLY_LATER = ("child.copied", "child.delete", "child.reweigh", "collect.old")  # not reached by a first build
DONE = ("pointer.replace", "collect.old")  # here the new generation is live already
KINDS = ("kill", "enospc", "eio", "raise", "exit")
MOST = 60  # a point that is reached more often than this is a mistake of the test


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with worlds() as made:
        yield made


def failed_as_it_should(done: Done, point: str, kind: str) -> None:
    """One line and code 1; a parent that is killed cannot say anything."""
    if kind in ("kill", "exit") and point not in IN_CHILD:
        assert (done.code, done.out, done.err) == (-9 if kind == "kill" else 3, "", "")
        return
    assert done.code == 1, done
    line = done.line
    if point in IN_CHILD and kind in ("kill", "exit", "raise"):
        assert "the process that writes the index" in line
        assert "the index is as it was, run the command again" in line
    elif kind in ("enospc", "eio"):
        assert ("No space left on device" if kind == "enospc" else "Input/output error") in line
        assert "check the" in line


def sound(path: Path) -> None:
    """What `rag check` says."""
    with Index.open(path) as index:
        assert check(index)["faults"] == []


def strike(world: World, point: str, n: int, kind: str, fresh: bool = False) -> bool:
    """Have a build fail at the n-th time a point is reached, and hold what is left against the promises; False when it is not reached."""
    stage = world.stage(fresh)
    try:
        done = world.commands.run(*world.index, cwd=stage.path, RAG_FAULT=f"{point}:{n}:{kind}")
        if done.code == 0:
            return False
        failed_as_it_should(done, point, kind)
        if not fresh:
            assert stage.state() == (world.after if point in DONE else world.before)
        elif point not in DONE:
            assert not (stage.index / "CURRENT").exists()
        paid = stage.paid()
        again = world.commands.run(*world.index, cwd=stage.path)
        assert again.json["failed"] == []
        assert stage.state() == (world.first if fresh else world.after)
        assert paid.items() <= stage.paid().items()
        stage.tidy()
        sound(stage.index)
        return True
    finally:
        stage.remove()


def test_an_index_that_grew_is_one_that_was_built_anew(world: World) -> None:
    assert world.first == world.after


@pytest.mark.parametrize("point", BUILD)
def test_a_build_that_is_killed_or_has_no_space_at_a_point_is_completed_by_the_next(world: World, point: str) -> None:
    for kind in ("kill", "enospc"):
        assert strike(world, point, 1, kind)


@pytest.mark.parametrize(
    ("point", "n", "kind"), [("scan.document", 5, "kill"), ("spool.write", 3, "eio"), ("child.write", 2, "exit"), ("child.write", 2, "raise")]
)
def test_so_is_one_that_fails_later_or_in_another_way(world: World, point: str, n: int, kind: str) -> None:
    assert strike(world, point, n, kind)


@pytest.mark.parametrize("point", ["scan.document", "child.write", "child.manifest", "seal.rename", "pointer.temporary", "pointer.replace"])
def test_so_is_the_first_build_of_an_index(world: World, point: str) -> None:
    assert strike(world, point, 1, "kill", fresh=True)


@pytest.mark.skipif(not FULL, reason="the complete sweep takes minutes: RAG_TEST_FULL=1")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", BUILD)
@pytest.mark.parametrize("fresh", [False, True])
def test_the_complete_sweep(world: World, point: str, kind: str, fresh: bool) -> None:
    n = 1
    while strike(world, point, n, kind, fresh):
        n += 1
        assert n < MOST
    assert n > 1 or (fresh and point in ONLY_LATER)


MIGRATION = ["child.write", "child.manifest", "seal.rename", "pointer.temporary", "pointer.replace", "migrate.swap"]


def migrate_after(world: World, point: str, n: int) -> bool:
    """Have a migration killed at a point; the live one answers, the next migration completes."""
    stage = world.built.copy(Path(tempfile.mkdtemp(dir=world.folder)) / "stage")
    try:
        done = world.commands.run(*MIGRATE, "--swap", cwd=stage.path, RAG_FAULT=f"{point}:{n}:kill")
        if done.code == 0:
            return False
        swapped = point == "pointer.replace" and n == 2
        assert stage.state() == (world.migrated if swapped else world.before)
        body = world.commands.run(*MIGRATE, "--swap", cwd=stage.path).json
        assert body["swapped"]
        assert stage.state() == world.migrated
        stage.tidy()
        sound(stage.index)
        return True
    finally:
        stage.remove()


@pytest.mark.parametrize("point", MIGRATION)
def test_a_killed_migration_leaves_the_live_index_and_is_completed_by_the_next(world: World, point: str) -> None:
    n = 1
    while migrate_after(world, point, n):
        n += 1
        assert n < MOST
    assert n > 1


def test_a_migration_killed_after_its_swap_leaves_nothing_behind_a_build(world: World) -> None:
    stage = world.stage()
    assert world.commands.run(*MIGRATE, "--swap", cwd=stage.path, RAG_FAULT="pointer.replace:2:kill").code == -9
    assert (stage.index / "NEXT").exists()
    done = world.commands.run("index", world.index[1], "-c", "o.yaml", "-i", "ix", "--json", cwd=stage.path)
    assert done.json["added"] == 2
    stage.tidy()


def test_a_migration_that_waits_is_dropped_and_the_live_index_was_never_touched(world: World) -> None:
    stage = world.stage()
    body = world.commands.run(*MIGRATE, cwd=stage.path).json
    assert not body["swapped"]
    assert stage.state() == world.before
    assert state(stage.index, stage.index / body["next"]["generation"]) == world.migrated
    assert world.commands.run("migrate", "ix", "--drop", "--json", cwd=stage.path).json == {"dropped": True}
    assert stage.state() == world.before
    stage.tidy()


def lose_current(stage: Stage) -> None:
    (stage.index / "CURRENT").unlink()


def test_a_lost_pointer_loses_no_documents_of_paths_that_are_not_named(world: World) -> None:
    stage = world.stage()
    name = stage.live()
    lose_current(stage)
    (stage.path / "else").mkdir()
    (stage.path / "else" / "x.md").write_text("words of another folder")
    line = world.commands.run("index", "else", "-c", "c.yaml", "-i", "ix", "--json", cwd=stage.path).line
    assert "CURRENT is missing" in line
    assert f"{name} holds documents of " in line
    assert "--rebuild" in line
    assert f"CURRENT is missing; write {name} into it" in world.commands.run("search", "cat", "-i", "ix", cwd=stage.path).line
    (stage.index / "CURRENT").write_text(name)
    assert stage.state() == world.before
    lose_current(stage)
    assert world.commands.run(*world.index, cwd=stage.path).json["added"] == 9
    assert stage.state()["answers"] == world.after["answers"]
