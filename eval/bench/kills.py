"""Kills `rag index` at random times and holds what is left against what was promised: `python -m eval.bench.kills [N=200]`.

A few hundred small documents are edited at random, again and again. Every update is killed once, the whole command or
the process that writes, at a random moment of a random phase: reading, writing, sealing, swapping. Then the index must
answer as before or as after the update, the next build must complete it, and what it is then must be what a build from
nothing is.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.config import load
from rag.index.build import build
from rag.index.check import check
from rag.index.engine import Scope
from rag.index.manifest import current
from rag.index.store import Index
from rag.loaders.corpus import Failed, Loaded, read
from rag.loaders.limits import Limits
from rag.memo import Memo
from rag.runtime import Runtime

CONFIG = "chunk: {use: fixed, size: 48}\nretrieve: {use: rrf, of: [bm25, dense]}\nmodels: {encoder: hashing-64}\n"
DOCUMENTS = 300
QUERIES = ("cat dog", "cache prompt", "graph rank index")
WORDS = "cat dog bird cache prompt rank graph index query chunk vector weight seven blue red".split()  # noqa: SIM905  # words read best in a row
PRELOAD = ["rag.cli", "rag.config", "rag.index.build", "rag.loaders.corpus", "rag.loaders.markdown", "rag.models.hashing", "rag.index.store"]
SPREAD = {"1 read": 0.4, "2 write": 0.15, "3 optimise": 0.08, "4 seal": 0.01, "5 swap, collect": 0.01}  # about how many seconds a phase lasts
_FORKS = multiprocessing.get_context("forkserver")


@dataclass
class Tally:
    """What was hit and what came of it."""

    hits: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # by kind of edit, who was killed, and what was going on
    left: Counter[str] = field(default_factory=Counter)  # what the index was after the kill
    late: int = 0
    wrong: list[str] = field(default_factory=list)


class World:
    """A corpus, its index, and the command that brings it up to date."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Write the first documents; nothing is indexed yet."""
        self.docs, self.index, self.fresh, self.folder = folder / "docs", folder / "ix", folder / "fresh", folder
        self.dice, self.runtime = random.Random(seed), Runtime(memo=Memo(), show_progress=False)  # noqa: S311  # no secret
        self.docs.mkdir()
        (folder / "c.yaml").write_text(CONFIG)
        self.number = 0
        self.corpus: list[Loaded | Failed] = []
        for _ in range(DOCUMENTS):
            self._add()

    def _text(self) -> str:
        return f"# Note\n\n{' '.join(self.dice.choices(WORDS, k=self.dice.randint(5, 120)))}.\n"

    def _add(self) -> None:
        (self.docs / f"d{self.number:05d}.md").write_text(self._text())
        self.number += 1

    def edit(self) -> str:
        """Change the corpus at random, and return how; now and then the index is built from nothing."""
        kind = self.dice.choice(["build", "update", "update", "add", "delete", "mixed"])
        names = sorted(self.docs.iterdir())
        some = self.dice.sample(names, 6)
        if kind == "build":
            shutil.rmtree(self.index, ignore_errors=True)
        for path in some if kind == "update" else some[:3] if kind == "mixed" else []:
            path.write_text(self._text())
        for path in some if kind == "delete" else some[3:] if kind == "mixed" else []:
            path.unlink()
        for _ in range(max(DOCUMENTS - len(list(self.docs.iterdir())), 0) if kind != "delete" else 0):
            self._add()
        if kind in ("add", "mixed", "build"):
            self._add()
        self.corpus = list(read([self.docs], Limits.from_options(load(self.folder / "c.yaml").index)))
        return kind

    def complete(self, path: Path) -> None:
        """Bring an index up to date in this process."""
        pipeline = load(self.folder / "c.yaml")
        build(path, pipeline, self.corpus, [self.docs], self.runtime, allow_mass_delete=True)

    def state(self, path: Path) -> dict[str, Any] | None:
        """Return what an index holds and answers; None where there is none."""
        if not path.is_dir() or current(path) is None:
            return None
        with Index.open(path, self.runtime) as index:
            answers = {q: [(h.chunk.id, h.score) for h in index.pipeline.search(index, q)[0]] for q in QUERIES}
            points = {kind: dict(index.engine.scroll(kind, Scope())) for kind in ("chunk", "page")}
            return {"content": index.manifest.content, "answers": answers, "points": points}

    def faults(self) -> list[str]:
        """Return what `rag check` finds."""
        with Index.open(self.index, self.runtime) as index:
            return list(check(index)["faults"])


def _command(folder: str) -> None:
    """Run `rag index` as the only thing this process does."""
    from rag.cli import main

    os.chdir(folder)
    os.setpgid(0, 0)
    os.environ["RAG_CACHE_DIR"] = f"{folder}/memo"
    for fd, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), fd)
    sys.argv = ["rag", "index", "docs", "-c", "c.yaml", "-i", "ix", "--allow-mass-delete"]
    main()


def _writer(pid: int) -> int | None:
    """Return the process that writes for a command, None when there is none."""
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
            if b"rag.index.writer" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    return None


def _phase(index: Path, sealed: int) -> str:
    """Return what is going on, by what lies in the index; `sealed` generations were there before."""
    inside = {p.name for draft in index.glob("tmp-*") for p in draft.glob("*")}
    if not inside:
        return "5 swap, collect" if len(list(index.glob("gen-*"))) > sealed else "1 read"
    if "stamps.json" in inside:
        return "4 seal"
    if "spool" not in inside:
        return "3 optimise"
    return "2 write"


def _strike(world: World, whole: bool) -> str | None:
    """Start the command and kill it, or its writer; returns what was going on, None when it was done before."""
    command = _FORKS.Process(target=_command, args=(str(world.folder),))
    command.start()
    pid = command.pid or 0
    lock, sealed = world.index / "lock", len(list(world.index.glob("gen-*")))
    while command.is_alive() and not (lock.exists() and lock.read_text().strip() == str(pid)):
        time.sleep(0.0002)
    wanted = world.dice.choice(list(SPREAD)[0 if whole else 1 :])
    while command.is_alive() and _phase(world.index, sealed) < wanted:
        time.sleep(0.0002)
    time.sleep(world.dice.uniform(0, SPREAD[wanted]))
    victim = pid if whole else _writer(pid)
    phase = None
    if victim is not None and command.is_alive():
        phase = _phase(world.index, sealed)
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    command.join()
    return phase if command.exitcode else None


def _round(world: World, tally: Tally) -> None:
    """Edit, kill, look, complete, compare."""
    before = None
    kind = world.edit()
    if kind != "build":
        before = world.state(world.index)
    shutil.rmtree(world.fresh, ignore_errors=True)
    world.complete(world.fresh)
    after = world.state(world.fresh)
    whole = world.dice.random() < 0.5
    phase = _strike(world, whole)
    found = world.state(world.index)
    name = f"{kind}, {'command' if whole else 'writer'} killed in {phase}"
    tally.left["before" if found == before else "after" if found == after else "neither"] += phase is not None
    if found not in (before, after):
        tally.wrong.append(f"{name}: answers are neither those of before nor of after")
    if phase is None:
        tally.late += 1
    else:
        tally.hits[kind, "command" if whole else "writer", phase] += 1
        world.complete(world.index)
    if world.state(world.index) != after:
        tally.wrong.append(f"{name}: completed, it is not what a fresh build is")
    if faults := world.faults():
        tally.wrong.append(f"{name}: {faults[0]}")
    if len(list(world.index.iterdir())) != 3:
        tally.wrong.append(f"{name}: {sorted(p.name for p in world.index.iterdir())} are left")


def table(tally: Tally) -> Iterator[str]:
    """Yield the lines of the report."""
    phases = sorted({p for _, _, p in tally.hits})
    yield "| edit | killed | " + " | ".join(phases) + " | all |"
    yield "|---" * (len(phases) + 3) + "|"
    for kind, who in sorted({(k, w) for k, w, _ in tally.hits}):
        row = [tally.hits[kind, who, p] for p in phases]
        yield f"| {kind} | {who} | " + " | ".join(map(str, row)) + f" | {sum(row)} |"
    yield f"{sum(tally.hits.values())} kills, {tally.late} came too late; left as before {tally.left['before']}, as after {tally.left['after']}; {len(tally.wrong)} wrong"
    yield from tally.wrong


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="kills-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))  # noqa: S108  # every build syncs
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def main() -> int:
    """Print the table; the exit code says whether anything was wrong."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    tally = Tally()
    _FORKS.set_forkserver_preload(PRELOAD)
    with _folder() as folder:
        world = World(folder, seed=1)
        while sum(tally.hits.values()) < wanted:
            _round(world, tally)
            sys.stderr.write(f"\r{sum(tally.hits.values())} kills")
            sys.stderr.flush()
    sys.stdout.write("\n".join(table(tally)) + "\n")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
