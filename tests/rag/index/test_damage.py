"""A damaged index refuses to open and names file and repair, or answers exactly as before: never a wrong answer."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.errors import StoreError
from rag.index.backup import backup, restore
from rag.index.files import copy_tree
from rag.index.manifest import current
from rag.index.store import Index

from .fault_lab import FULL, state

PAGE, FLIPS = 4096, 8
DOCUMENTS = {f"d{i}.md": f"Cats and dogs number {i}, and a prefix cache of shared prompts in the year {1990 + i}." for i in range(40)}
FORBIDDEN = ("Traceback", "panicked", "unexpected")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Return a folder in memory: every case copies an index."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def sound(lab: Any, place: Path) -> Path:
    """Return a sound index, once opened so that its stamps are fresh."""
    lab.build(place / "sound", lab.pipeline(chunk={"use": "fixed", "size": 48}), DOCUMENTS)
    state(place / "sound")
    return place / "sound"


@pytest.fixture(scope="module")
def answers(sound: Path) -> dict[str, Any]:
    """Return all that the sound index holds and answers."""
    return state(sound)


def generation(index: Path) -> Path:
    found = current(index)
    assert found is not None
    return found


def members(index: Path) -> list[Path]:
    """Return the files of the live generation but those of the manifest, the holes-only ones last."""
    folder = generation(index)
    found = [p.relative_to(index) for p in folder.rglob("*") if p.is_file() and p.name not in ("manifest.json", "stamps.json")]
    return sorted(found, key=lambda p: ((index / p).stat().st_blocks == 0, str(p)))


def missing(path: Path, _dice: random.Random) -> None:
    path.unlink()


def truncated(path: Path, _dice: random.Random) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flipped(path: Path, dice: random.Random) -> None:
    """Flip one bit at eight places, where the file holds data."""
    with path.open("r+b") as file:
        for _ in range(FLIPS):
            at = dice.randrange(min(path.stat().st_size, max(path.stat().st_blocks * 512, 1)))
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1 << dice.randrange(8)]))


def one_flip(path: Path, dice: random.Random) -> None:
    with path.open("r+b") as file:
        at = dice.randrange(min(path.stat().st_size, max(path.stat().st_blocks * 512, 1)))
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << dice.randrange(8)]))


def zeroed(path: Path, _dice: random.Random) -> None:
    with path.open("r+b") as file:
        file.write(bytes(min(PAGE, path.stat().st_size)))


def linked(path: Path, _dice: random.Random) -> None:
    """Replace a file by a link to a copy of it."""
    path.rename(path.parent.parent / f"elsewhere-{path.name}" if path.parent.name == "shard" else path.parents[1] / f".{path.name}")
    moved = path.parent.parent / f"elsewhere-{path.name}" if path.parent.name == "shard" else path.parents[1] / f".{path.name}"
    path.symlink_to(moved)


def old_times(damage: Callable[[Path, random.Random], None]) -> Callable[[Path, random.Random], None]:
    """Damage a file and give it back the times it had."""

    def run(path: Path, dice: random.Random) -> None:
        found = path.stat()
        damage(path, dice)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))

    return run


def outcome(index: Path, answers: dict[str, Any], changed: bool = True) -> str:
    """Return `refused` or `same`; anything else fails."""
    try:
        found = state(index)
    except StoreError as error:
        text = str(error)
        assert "--rebuild" in text
        assert str(index) in text
        assert not any(w in text for w in FORBIDDEN), text
        return "refused"
    assert found == answers, "a wrong answer"
    return "same"


DAMAGE = {"missing": missing, "truncated": truncated, "flipped": flipped, "zeroed": zeroed, "linked": linked, "flipped, old times": old_times(one_flip)}


def sweep(sound: Path, place: Path, answers: dict[str, Any], name: str, every: int) -> None:
    """Damage file after file in one copy, each put back before the next."""
    copy, dice = place / f"copy-{abs(hash(name))}", random.Random(3)
    copy_tree(sound, copy)
    for number, member in enumerate(members(sound)):
        if number % every:
            continue
        path = copy / member
        same_bytes = (copy / member).read_bytes()
        DAMAGE[name](path, dice)
        changed = not path.is_file() or path.is_symlink() or path.read_bytes() != same_bytes
        found = outcome(copy, answers)
        assert found == ("refused" if changed else "same"), (member, name)
        shutil.rmtree(copy)
        copy_tree(sound, copy)
    shutil.rmtree(copy)


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_refused_by_name_and_never_answers_wrongly(sound: Path, place: Path, answers: dict[str, Any], name: str) -> None:
    sweep(sound, place, answers, name, 1 if FULL else 4)


def copied(sound: Path, place: Path) -> Path:
    target = Path(tempfile.mkdtemp(dir=place)) / "ix"
    copy_tree(sound, target)
    return target


def test_the_refusal_names_the_file(sound: Path, place: Path) -> None:
    for member in members(sound)[:3]:
        index = copied(sound, place)
        (index / member).unlink()
        with pytest.raises(StoreError) as failed:
            Index.open(index)
        assert f"{member.relative_to(member.parts[0])} is missing" in str(failed.value)


def test_a_file_that_does_not_belong_is_refused(sound: Path, place: Path) -> None:
    for where in ("shard/extra", "shard/segments/extra", "extra.txt"):
        index = copied(sound, place)
        (generation(index) / where).write_text("x")
        with pytest.raises(StoreError, match="does not belong to it"):
            Index.open(index)


@pytest.mark.parametrize("text", ["", "gen-000009\n", "../gen-000001\n", "gen-000001/../gen-000001", "\xff\xfe", "gen-1", "/etc"])
def test_a_pointer_to_nothing_is_refused(sound: Path, place: Path, text: str) -> None:
    index = copied(sound, place)
    (index / "CURRENT").write_text(text, encoding="latin-1")
    with pytest.raises(StoreError, match=r"CURRENT.*--rebuild"):
        Index.open(index)


def test_a_lost_pointer_is_said_to_be_lost(sound: Path, place: Path) -> None:
    index = copied(sound, place)
    (index / "CURRENT").unlink()
    with pytest.raises(StoreError, match=r"CURRENT is missing; write gen-000001 into it"):
        Index.open(index)


def test_a_manifest_without_any_of_its_keys_is_refused(sound: Path, place: Path) -> None:
    index = copied(sound, place)
    path = generation(index) / "manifest.json"
    whole = json.loads(path.read_text())
    assert len(whole) > 15
    for name in whole:
        path.write_text(json.dumps({k: v for k, v in whole.items() if k != name}))
        with pytest.raises(StoreError, match=r"manifest.*--rebuild"):
            Index.open(index)
    for name, value in whole.items():
        others: list[object] = [None, [], "x", 7, {"a": 1}]
        for other in (o for o in others if o != value):
            path.write_text(json.dumps({**whole, name: other}))
            with pytest.raises(StoreError, match=r"manifest.*--rebuild"):
                Index.open(index)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"schema": 99}', '{"schema": 2}', "[" * 100_000, "\x00" * 100])
def test_a_manifest_that_is_none_is_refused(sound: Path, place: Path, text: str) -> None:
    index = copied(sound, place)
    path = generation(index) / "manifest.json"
    path.write_text(text)
    with pytest.raises(StoreError, match=r"manifest.*--rebuild"):
        Index.open(index)


def test_a_manifest_of_a_later_version_says_so(sound: Path, place: Path) -> None:
    index = copied(sound, place)
    path = generation(index) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))
    with pytest.raises(StoreError, match=r"written with schema 99, this version reads \d+; .* or use the version that wrote it"):
        Index.open(index)


def test_a_manifest_cut_anywhere_is_refused(sound: Path, place: Path) -> None:
    index = copied(sound, place)
    path = generation(index) / "manifest.json"
    whole = path.read_bytes()
    for part in range(1, 20):
        path.write_bytes(whole[: len(whole) * part // 20])
        with pytest.raises(StoreError, match=r"manifest.*--rebuild"):
            Index.open(index)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"documents.sqlite": 7}', '{"documents.sqlite": [1, 2, 3, 4]}', "[" * 100_000])
def test_damaged_stamps_do_not_matter(sound: Path, place: Path, answers: dict[str, Any], text: str) -> None:
    index = copied(sound, place)
    (generation(index) / "stamps.json").write_text(text)
    assert state(index) == answers


def test_stamps_of_before_do_not_hide_what_was_written_since(sound: Path, place: Path) -> None:
    """Whatever the times of a file say, it was changed, and its change time cannot be put back."""
    index = copied(sound, place)
    state(index)
    for member in members(index)[:8]:
        path = index / member
        stamps = json.loads((generation(index) / "stamps.json").read_text())
        whole = path.read_bytes()
        old_times(one_flip)(path, random.Random(5))
        now = path.stat()
        stamps[member.relative_to(member.parts[0]).as_posix()][:2] = [now.st_size, now.st_mtime_ns]
        (generation(index) / "stamps.json").write_text(json.dumps(stamps))
        with pytest.raises(StoreError, match="is not what was written"):
            Index.open(index)
        path.write_bytes(whole)


def test_damage_done_while_another_has_it_open_is_found_by_the_next(sound: Path, place: Path) -> None:
    index = copied(sound, place)
    with Index.open(index) as open_already:
        one_flip(generation(index) / "documents.sqlite", random.Random(1))
        with pytest.raises(StoreError, match=r"documents\.sqlite is not what was written"):
            Index.open(index)
        assert open_already.engine.count() > 0


def test_a_damaged_index_is_not_built_upon_and_a_rebuild_brings_it_back(lab: Any, sound: Path, place: Path, answers: dict[str, Any]) -> None:
    from rag.index.build import build

    pipeline = lab.pipeline(chunk={"use": "fixed", "size": 48})
    for break_it in (
        lambda i: (i / members(i)[0]).unlink(),
        lambda i: (i / "CURRENT").write_text("gen-000007"),
        lambda i: (generation(i) / "manifest.json").unlink(),
    ):
        index = copied(sound, place)
        break_it(index)
        with pytest.raises(StoreError, match="--rebuild"):
            lab.build(index, pipeline, {**DOCUMENTS, "new.md": "x y z"})
        build(index, pipeline, lab.loaded(DOCUMENTS), [lab.root], lab.runtime, rebuild=True)
        found = state(index)
        assert found["answers"] == answers["answers"]
        assert found["points"] == answers["points"]
        assert len(list(index.iterdir())) == 3


def test_a_backup_brings_it_back_and_a_damaged_index_makes_none(sound: Path, place: Path, answers: dict[str, Any]) -> None:
    index, file = copied(sound, place), place / "b.tar.gz"
    backup(index, file)
    whole = file.read_bytes()
    (index / members(index)[2]).unlink()
    with pytest.raises(StoreError, match="is missing"):
        backup(index, file)
    assert file.read_bytes() == whole
    restore(file, place / "restored")
    assert state(place / "restored") == answers
