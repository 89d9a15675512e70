"""What the tests of faults share: the command `rag` in a process of its own, made to fail, killed or stopped, and the whole state of an index."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rag.index.engine import Scope
from rag.index.files import copy_tree
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime

ROOT = Path(__file__).parents[3]
FULL = bool(os.environ.get("RAG_TEST_FULL"))
CONFIG = "chunk: {use: fixed, size: 48}\nretrieve: {use: rrf, of: [bm25, dense]}\nmodels: {encoder: hashing-64}\n"
OTHER = CONFIG.replace("size: 48", "size: 24")
QUERIES = ("cats and dogs", "number seven", "a prefix cache of shared prompts")
MIGRATE = ("migrate", "ix", "-c", "o.yaml", "--json")
NAMED = {"CURRENT", "lock"}
# One process imports everything and forks for every command: a command then costs no start. It never uses the engine itself.
_SERVER = """
import json, os, sys
import Stemmer, _decimal, pydantic, sysconfig, tokenizers, zoneinfo
import rag.cli, rag.config, rag.index.backup, rag.index.build, rag.index.check, rag.index.migrate, rag.index.place, rag.models.hashing, rag.output
import rag.loaders.corpus, rag.loaders.docx, rag.loaders.html, rag.loaders.markdown, rag.loaders.pdf, rag.loaders.table
from rag.registry import parts
for kind in ("chunk", "retrieve", "refine", "pack", "answer"):
    parts(kind)
for line in sys.stdin:
    job = json.loads(line)
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.environ.update(job["env"])
        os.chdir(job["cwd"])
        for fd, name in enumerate(("/dev/null", job["out"], job["err"])):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), fd)
        sys.argv = ["rag", *job["argv"]]
        if job["before"]:
            exec(job["before"])
        rag.cli.main()
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code (minus the number of the signal that killed it) and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """Return the one line of a failure."""
        assert self.out == ""
        assert self.err.startswith("error: "), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err

    @property
    def json(self) -> dict[str, Any]:
        """Return the one object of a success."""
        assert (self.code, self.err) == (0, ""), self.err
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class Commands:
    """Runs `rag` in processes of their own, each the leader of its group."""

    def __init__(self, folder: Path) -> None:
        """Start the process that forks; `folder` takes the output."""
        self.folder = folder
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._server = subprocess.Popen([sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True)
        self.pid = 0

    def start(self, *argv: str | Path, cwd: Path, before: str = "", **env: str) -> None:
        """Start a command; `before` is Python that its process runs first."""
        out, err = self.folder / "out", self.folder / "err"
        job = {"argv": [str(a) for a in argv], "cwd": str(cwd), "out": str(out), "err": str(err), "before": before}
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps({**job, "env": {"RAG_CACHE_DIR": str(cwd / "memo"), **env}}) + "\n")
        self._server.stdin.flush()
        self.pid = int(self._server.stdout.readline())

    def wait(self) -> Done:
        """Wait for the command, and see that no process of its group outlives it."""
        assert self._server.stdout is not None
        code = int(self._server.stdout.readline())
        assert gone(self.pid), "a process outlived its command"
        return Done(code, (self.folder / "out").read_text(encoding="utf-8"), (self.folder / "err").read_text(encoding="utf-8"))

    def run(self, *argv: str | Path, cwd: Path, before: str = "", **env: str) -> Done:
        """Run a command to its end."""
        self.start(*argv, cwd=cwd, before=before, **env)
        return self.wait()

    def close(self) -> None:
        """End the process that forks."""
        self._server.kill()
        self._server.wait()
        for stream in (self._server.stdin, self._server.stdout):
            if stream is not None:
                stream.close()


def gone(group: int, seconds: float = 10) -> bool:
    """Return whether no process of a group is left, within so many seconds; one that only awaits burial is none."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not _members(group):
            return True
        time.sleep(0.005)
    for pid in _members(group):
        os.kill(pid, signal.SIGKILL)
    return False


def _members(group: int) -> list[int]:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return []
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            if fields[0] not in "ZX" and int(fields[2]) == group:
                found.append(int(entry.name))
    return found


def write_corpus(folder: Path, documents: dict[str, str]) -> None:
    """Make a folder hold exactly these documents; those that stay keep their times."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in documents:
            path.unlink()
    for name, text in documents.items():
        if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != text:
            (folder / name).write_text(text, encoding="utf-8")


BEFORE = {f"d{i}.md": f"# Note {i}\n\nCats and dogs number {i}, and what they did in the year {1990 + i}." for i in range(8)}
AFTER = {
    **{k: v for k, v in BEFORE.items() if k != "d3.md"},
    "d5.md": "# Note 5\n\nA prefix cache keeps the keys of shared prompts. " + "It saves time and money at every request. " * 4,
    "e1.md": "# Note e\n\nReciprocal rank fusion adds one over sixty plus the rank. " * 3,
    "e2.md": "Number seven is the only cat here.",
}


@dataclass(frozen=True)
class Stage:
    """A folder with two configurations, a memo and an index `ix`."""

    path: Path

    @property
    def index(self) -> Path:
        """The directory of the index."""
        return self.path / "ix"

    def copy(self, target: Path) -> Stage:
        """Return a copy of it all."""
        copy_tree(self.path, target)
        return Stage(target)

    def state(self) -> dict[str, Any]:
        """Return everything an index holds and answers, but when it was built."""
        return state(self.index)

    def live(self) -> str:
        """Return the name of the live generation."""
        return (self.index / "CURRENT").read_text(encoding="utf-8").strip()

    def paid(self) -> dict[str, int]:
        """Return the number of the row of every kept embedding: one that is computed again gets another."""
        if not (self.path / "memo" / "memo.sqlite").exists():
            return {}
        db = sqlite3.connect(self.path / "memo" / "memo.sqlite")
        try:
            return dict(db.execute("SELECT key, rowid FROM memo"))
        finally:
            db.close()

    def tidy(self) -> None:
        """See that nothing lies in the index but what belongs to it."""
        assert {p.name for p in self.index.iterdir()} == NAMED | {self.live()}

    def remove(self) -> None:
        """Remove it all."""
        shutil.rmtree(self.path)


_RUNTIME = Runtime(memo=Memo(), show_progress=False)


def state(path: Path, generation: Path | None = None) -> dict[str, Any]:
    """Return everything an index holds and answers, but when it was built."""
    with Index.open(path, _RUNTIME, generation=generation) as index:
        rows = {i: {**asdict(index.documents[i]), "indexed": None} for i in index.documents}
        points = {kind: dict(index.engine.scroll(kind, Scope())) for kind in ("chunk", "page")}
        answers = {q: [(h.chunk.id, h.score) for h in index.pipeline.search(index, q)[0]] for q in QUERIES}
        m = asdict(index.manifest)
        kept = {k: m[k] for k in m if k not in ("files", "seal", "canaries", "versions")}
        return {"rows": rows, "points": points, "answers": answers, "manifest": kept}


@dataclass(frozen=True)
class World:
    """What the tests start from: a corpus indexed, then changed on disk; and what the index must be afterwards."""

    commands: Commands
    folder: Path
    index: tuple[str, ...]  # the command that indexes `docs`, which holds `AFTER`
    fresh: Stage  # nothing was indexed yet
    built: Stage  # an index of `BEFORE`
    before: dict[str, Any]
    after: dict[str, Any]
    first: dict[str, Any]  # of an index of `AFTER` built from nothing
    migrated: dict[str, Any]  # of the index of `BEFORE` with the other configuration

    def stage(self, fresh: bool = False) -> Stage:
        """Return a copy to break."""
        return (self.fresh if fresh else self.built).copy(Path(tempfile.mkdtemp(dir=self.folder)) / "stage")


@contextmanager
def worlds() -> Iterator[World]:
    """Yield what the tests start from, in memory where that can be: every build syncs."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    commands = Commands(folder)
    try:
        yield _world(folder, commands)
    finally:
        commands.close()
        shutil.rmtree(folder)


def _world(folder: Path, commands: Commands) -> World:
    """Build what the tests start from, without a fault."""
    docs = folder / "docs"
    index = ("index", str(docs), "-c", "c.yaml", "-i", "ix", "--json")
    fresh, built, done, first, other = (Stage(folder / n) for n in ("fresh", "built", "done", "first", "other"))
    fresh.path.mkdir()
    (fresh.path / "c.yaml").write_text(CONFIG)
    (fresh.path / "o.yaml").write_text(OTHER)
    write_corpus(docs, BEFORE)
    fresh.copy(built.path)
    assert commands.run(*index, cwd=built.path).json["added"] == 8
    built.copy(other.path)
    assert commands.run(*MIGRATE, "--swap", cwd=other.path).code == 0
    write_corpus(docs, AFTER)
    built.copy(done.path)
    counts = commands.run(*index, cwd=done.path).json
    assert [counts[k] for k in ("added", "updated", "unchanged", "deleted")] == [2, 1, 6, 1]
    fresh.copy(first.path)
    assert commands.run(*index, cwd=first.path).json["added"] == 9
    return World(commands, folder, index, fresh, built, built.state(), done.state(), first.state(), other.state())
