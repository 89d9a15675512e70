"""Ctrl-C and SIGTERM at any time end a build with one line, the old index answering; two builders and many readers do not disturb each other."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from .fault_lab import AFTER, FULL, QUERIES, ROOT, Commands, Stage, World, worlds, write_corpus

TIMES = 60 if FULL else 5
BUILDS = 10


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with worlds() as made:
        yield made


def locked(stage: Stage, pid: int) -> None:
    """Wait until a command holds the lock of the index."""
    end = time.monotonic() + 20
    while (stage.index / "lock").read_text().strip() != str(pid):
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.parametrize(("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")])
def test_a_signal_at_any_time_is_one_line_and_the_same_command_goes_on(world: World, number: signal.Signals, code: int, word: str) -> None:
    dice, stopped = random.Random(7), 0
    for _ in range(TIMES):
        stage = world.stage()
        world.commands.start(*world.index, cwd=stage.path)
        locked(stage, world.commands.pid)
        time.sleep(dice.uniform(0, 0.5))
        try:
            if number == signal.SIGINT:
                os.killpg(world.commands.pid, number)  # as a terminal does it
            else:
                os.kill(world.commands.pid, number)
        except ProcessLookupError:
            pass  # it was done
        done = world.commands.wait()
        if done.code != 0:
            stopped += 1
            assert done.code == code, done
            assert done.line == f"error: {word}; run the same command again to go on from here\n"
        assert stage.state() in ((world.before, world.after) if done.code else (world.after,))
        assert world.commands.run(*world.index, cwd=stage.path).json["failed"] == []
        assert stage.state() == world.after
        stage.tidy()
        stage.remove()
    assert stopped


def test_of_two_builders_one_is_told_and_nothing_is_lost(world: World) -> None:
    stage, second = world.stage(), world.folder / "second"
    second.mkdir()
    other = Commands(second)
    try:
        world.commands.start(*world.index, cwd=stage.path)
        other.start(*world.index, cwd=stage.path)
        done = [world.commands.wait(), other.wait()]
    finally:
        other.close()
    assert any(d.code == 0 for d in done)
    for d in done:
        if d.code:
            assert "is being built by process" in d.line
            assert "wait for it or stop it" in d.line
    assert stage.state() == world.after
    stage.tidy()


_READER = """
import json, os, sys
from pathlib import Path
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime
runtime, stop, queries = Runtime(memo=Memo(), show_progress=False), Path(sys.argv[2]), sys.argv[3:]
while not stop.exists():
    with Index.open(sys.argv[1], runtime) as index:
        for _ in range(3):
            found = {q: [(h.chunk.id, h.score, h.chunk.text) for h in index.pipeline.search(index, q)[0]] for q in queries}
            sys.stdout.write(json.dumps([index.manifest.content, found]) + "\\n")
"""


def test_readers_beside_a_builder_get_answers_of_exactly_one_generation_and_no_error(world: World) -> None:
    from rag.index.store import Index
    from rag.memo import Memo
    from rag.runtime import Runtime

    stage, stop = world.stage(), world.folder / "stop"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _READER, str(stage.index), str(stop), *QUERIES]
    outputs = [world.folder / f"reader-{i}" for i in range(3)]
    readers = []
    for path in outputs:
        with path.open("wb") as out:
            readers.append(subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment))
    expected = {}
    runtime = Runtime(memo=Memo(), show_progress=False)

    def remember() -> None:
        with Index.open(stage.index, runtime) as index:
            found = {q: [[h.chunk.id, h.score, h.chunk.text] for h in index.pipeline.search(index, q)[0]] for q in QUERIES}
            expected[index.manifest.content] = found

    try:
        remember()
        for n in range(BUILDS):
            write_corpus(Path(world.index[1]), {**AFTER, "d1.md": f"Cats and dogs in build {n}. " * (n + 1), f"n{n}.md": f"A prefix cache of build {n}."})
            assert world.commands.run(*world.index, cwd=stage.path).json["failed"] == []
            remember()
    finally:
        stop.touch()
        codes = [r.wait(timeout=60) for r in readers]
        write_corpus(Path(world.index[1]), AFTER)
    for path, code in zip(outputs, codes, strict=True):
        text = path.read_text(encoding="utf-8")
        assert code == 0, text[-2000:]
        seen = [json.loads(line) for line in text.splitlines()]
        assert all(expected[content] == found for content, found in seen)
        assert len({content for content, _ in seen}) > 1


def test_a_reader_that_is_killed_while_it_opens_harms_nothing(world: World) -> None:
    stage, dice = world.stage(), random.Random(1)
    before = {p: (p.read_bytes(), p.name) for p in stage.index.rglob("*.json") if p.name != "stamps.json"}
    for _ in range(TIMES):
        world.commands.start("search", "cat", "-i", "ix", cwd=stage.path)
        time.sleep(dice.uniform(0.02, 0.25))
        with suppress(ProcessLookupError):  # it may be done already
            os.kill(world.commands.pid, signal.SIGKILL)
        world.commands.wait()
        assert stage.state() == world.before
    assert {p: (p.read_bytes(), p.name) for p in before} == before
    assert [p for p in stage.index.rglob(".*") if p.name.startswith(".atomicwrite")] == []
