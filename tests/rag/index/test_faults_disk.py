"""A full disk is refused before it harms, or kills the writer alone; an index that may only be read is read from a copy that is removed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.index.files import MARGIN, require_space

from .fault_lab import CONFIG, ROOT, Stage, World, worlds

SIZE = 60 * 1024**2
# What a process that must not see how full the disk is loads at its start.
_BLIND = "import shutil\nfrom collections import namedtuple\nshutil.disk_usage = lambda path: namedtuple('Usage', 'total used free')(1 << 50, 0, 1 << 50)\n"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with worlds() as made:
        yield made


@contextmanager
def mounted() -> Iterator[Path]:
    """Yield a small file system of its own; skips the test where none may be mounted."""
    with tempfile.TemporaryDirectory() as name:
        image, folder = Path(name) / "image", Path(name) / "disk"
        folder.mkdir()
        with image.open("wb") as file:
            file.truncate(SIZE)
        if shutil.which("mkfs.ext4") is None:
            pytest.skip("there is no mkfs.ext4")
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(image)], check=True)
        done = subprocess.run(["mount", "-o", "loop", str(image), str(folder)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small(world: World) -> Iterator[Stage]:
    """Return the index of `BEFORE` on a small file system."""
    with mounted() as folder:
        yield moved(world.built, folder / "stage")


@pytest.fixture(scope="module")
def large(world: World) -> Path:
    """Return a folder of documents of which an index takes some ten MB."""
    dice, folder = random.Random(2), world.folder / "large"
    folder.mkdir()
    for n in range(40):
        (folder / f"l{n}.md").write_text(" ".join(f"w{dice.randrange(5000)}" for _ in range(4000)))
    return folder


def moved(stage: Stage, target: Path) -> Stage:
    """Copy it all, holes of zeros made holes again: in memory the engine has filled them."""
    subprocess.run(["cp", "-r", "--sparse=always", str(stage.path), str(target)], check=True)
    return Stage(target)


def fill(stage: Stage, leave: int) -> None:
    """Take all space but so many bytes."""
    free = os.statvfs(stage.path).f_bavail * os.statvfs(stage.path).f_frsize
    with (stage.path / "filling").open("wb") as file:
        file.write(bytes(free - leave))


def answers(world: World, stage: Stage) -> str:
    """Search in a process of its own, and return what it prints."""
    done = world.commands.run("search", "cats and dogs number 3", "-i", "ix", "-k", "1", cwd=stage.path, RAG_CACHE_DIR=str(world.folder / "memo"))
    assert done.code == 0, done
    return done.out


def test_a_small_disk_can_hold_an_index(world: World, small: Stage) -> None:
    assert world.commands.run(*world.index, cwd=small.path).json["added"] == 2
    assert small.state()["answers"] == world.after["answers"]
    small.tidy()


def test_a_disk_that_is_nearly_full_is_refused_before_anything_breaks(world: World, small: Stage, large: Path) -> None:
    expected = answers(world, small)
    fill(small, 1_500_000)
    done = world.commands.run(*world.index, cwd=small.path, RAG_CACHE_DIR=str(world.folder / "memo"))
    assert done.code == 1
    assert "of free disk space" in done.line
    assert answers(world, small) == expected
    (small.path / "filling").unlink()
    assert world.commands.run(*world.index, cwd=small.path).code == 0
    small.tidy()


@pytest.mark.parametrize("leave", [4_500_000, 7_000_000, 10_000_000, 14_000_000])
def test_a_disk_that_fills_up_while_building_is_refused_in_time(world: World, small: Stage, large: Path, leave: int) -> None:
    expected = answers(world, small)
    fill(small, leave)
    done = world.commands.run("index", str(large), "-c", "c.yaml", "-i", "ix", "--json", cwd=small.path, RAG_CACHE_DIR=str(world.folder / "memo"))
    assert done.code == 1
    assert "of free disk space" in done.line
    assert "SIGBUS" not in done.line
    assert answers(world, small) == expected


@pytest.mark.parametrize("leave", [9_000_000, 12_000_000])
def test_a_writer_that_a_full_disk_kills_dies_alone_and_the_disk_is_named(world: World, small: Stage, large: Path, leave: int) -> None:
    """The less is left the sooner: it is killed while it writes, or the engine itself sees that it cannot optimise."""
    expected = answers(world, small)
    blind = world.folder / "blind"
    blind.mkdir(exist_ok=True)
    (blind / "sitecustomize.py").write_text(_BLIND)
    fill(small, leave)
    environment = {"PYTHONPATH": f"{blind}{os.pathsep}{ROOT}", "RAG_CACHE_DIR": str(world.folder / "memo")}
    done = world.commands.run("index", str(large), "-c", "c.yaml", "-i", "ix", "--json", cwd=small.path, before=_BLIND, **environment)
    assert done.code == 1
    assert "disk" in done.line
    assert "full" in done.line or "No space left" in done.line or "space" in done.line
    assert answers(world, small) == expected
    (small.path / "filling").unlink()
    assert world.commands.run(*world.index, cwd=small.path).code == 0
    small.tidy()


def test_the_margin_is_a_part_of_a_small_disk_and_never_more_than_that_of_a_large_one(tmp_path: Path) -> None:
    with mounted() as folder:
        disk = shutil.disk_usage(folder)
        require_space(folder, disk.free - disk.total // 20, "this")
        with pytest.raises(StoreError, match=r"this needs about [\d.]+ MB of free disk space, there are [\d.]+; free some"):
            require_space(folder, disk.free - disk.total // 20 + 1, "this")
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    if free > 20 * MARGIN:
        require_space(tmp_path, free - 2 * MARGIN, "this")


def read_only(world: World, stage: Stage, before: str = "") -> None:
    """Hold an index that may only be read against what it promises."""
    own = Path(tempfile.mkdtemp(dir=world.folder))
    for name in ("tmp", "memo"):
        (own / name).mkdir()
        (own / name).chmod(0o777)
    own.chmod(0o755)
    world.folder.chmod(0o755)
    env = {"TMPDIR": str(own / "tmp"), "RAG_CACHE_DIR": str(own / "memo")}
    found = world.commands.run("search", "cats and dogs", "-i", "ix", "--json", cwd=stage.path, before=before, **env)
    hits = [(h["doc_id"], h["start"], h["score"]) for h in found.json["hits"]]
    expected = world.commands.run("search", "cats and dogs", "-i", "ix", "--json", cwd=world.built.path).json["hits"]
    assert hits == [(h["doc_id"], h["start"], h["score"]) for h in expected]
    assert world.commands.run("check", "ix", "--json", cwd=stage.path, before=before, **env).json["faults"] == []
    done = world.commands.run(*world.index, cwd=stage.path, before=before, **env)
    assert done.code == 1
    assert "cannot be written" in done.line
    assert list((own / "tmp").iterdir()) == []


def test_an_index_on_a_read_only_disk_is_read_and_not_written(world: World) -> None:
    with mounted() as folder:
        stage = moved(world.built, folder / "stage")
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        read_only(world, stage)


def reachable(path: Path) -> bool:
    """Whether everyone may come to a file."""
    return all(p.stat().st_mode & 0o005 == 0o005 for p in path.resolve().parents)


_NOBODY: Callable[[], bool] = lambda: os.getuid() == 0 and reachable(Path(sys.executable)) and reachable(ROOT / "rag" / "cli.py")  # noqa: E731  # read as a condition


@pytest.mark.skipif(not _NOBODY(), reason="only root can become another user, who must be able to reach the interpreter")
def test_an_index_of_another_user_is_read_and_not_written(world: World) -> None:
    stage = world.stage()
    for path in [stage.path, *stage.path.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    stage.path.parent.chmod(0o755)
    read_only(world, stage, before="os.setgid(65534); os.setuid(65534)")


def test_the_configurations_of_these_tests_need_no_model() -> None:
    assert "hashing-64" in CONFIG
