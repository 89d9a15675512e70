"""`python -m eval.bench.indexing [--chunks 20000]`: chunks a second to disk, embedding excluded, by stage and with the CPU of both processes."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from eval.bench.measured import Cell, Result, Table, spread, write
from rag import Pipeline, Runtime
from rag.chunk.recursive import Recursive
from rag.chunk.whole import Whole
from rag.index import child
from rag.index.build import build
from rag.loaders.corpus import Loaded
from rag.memo import Memo
from rag.models.encoder import Vectors
from rag.pipeline import IndexOptions
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.rrf import Rrf
from rag.shell import run
from rag.stages import Chunker
from rag.types import Document

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
MODEL, DIMENSION = "hashing-384", 384  # vectors of MiniLM's size; they are stored ones, so that no encoder is measured
WORDS, VOCABULARY, PARTS = 120, 30_000, 5
ROOT = Path("/corpus")
COMMON = "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which".split()  # noqa: SIM905  # a list of thirty lines says no more


class Double:
    """The encoder whose vectors are stored: it counts tokens by length, so that no tokenizer is measured either."""

    name, max_tokens = MODEL, 512

    def __init__(self) -> None:
        """Say that it is another model than the one it is named for."""
        self.identity = {"name": MODEL, "digest": "stored", "max_tokens": self.max_tokens, "normalized": True}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Refuse: see `Stored.embed`."""
        raise NotImplementedError

    def for_questions(self) -> Double:
        """Return the encoder itself."""
        return self

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return a token for every five characters."""
        return [len(t) // 5 for t in texts]

    def token_vectors(self, texts: Sequence[str]) -> list[Vectors]:
        """Refuse: nothing asks for them."""
        raise NotImplementedError


class Stored(Runtime):
    """A runtime whose vectors were made before: embedding costs a copy."""

    def __init__(self, seed: int = 1) -> None:
        """Make the vectors."""
        super().__init__(Memo(), show_progress=False)
        self._encoders[MODEL] = Double()
        rows = np.random.default_rng(seed).standard_normal((4096, DIMENSION)).astype(np.float32)
        self._rows: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def embed(self, model: str, texts: Sequence[str], prefix: str = "", label: str = "embed", question: bool = False) -> Vectors:
        """Return one stored row per text."""
        return np.resize(self._rows, (len(texts), DIMENSION))


def texts(count: int, seed: int = 0) -> list[str]:
    """Return texts of 120 words of a Zipf vocabulary, a full stop after every twelfth; equal for equal seeds."""
    dice = np.random.default_rng(seed)
    syllables = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "ar", "en", "ist", "ol", "um")]
    made = ("".join(part) for part in np.array(syllables)[dice.integers(0, len(syllables), (2 * VOCABULARY, 3))].tolist())
    words = np.array(list(dict.fromkeys([*COMMON, *made]))[:VOCABULARY], dtype=object)
    chance = 1 / np.arange(1, len(words) + 1)
    found = words[np.searchsorted(np.cumsum(chance / chance.sum()), dice.random((count, WORDS)))]
    found[:, 11::12] += "."
    return [" ".join(row) for row in found.tolist()]


def corpus(count: int, parts: int) -> list[Loaded]:
    """Return documents of `parts` paragraphs, `count` paragraphs in all."""
    rows = texts(count)
    joined = ["\n\n".join(rows[i : i + parts]) for i in range(0, count, parts)]
    return [Loaded(Document(f"d{n:06d}.txt", text, source=f"/corpus/d{n:06d}.txt", modified=1.0e9 + n), ROOT) for n, text in enumerate(joined)]


@dataclass(frozen=True)
class Run:
    """One call of `build`: chunks, wall seconds in all and by stage, CPU seconds of this process and of the writer."""

    chunks: int
    wall: float
    stages: dict[str, float]
    parent: float
    writer: float


def measured(work: Callable[[], tuple[int, dict[str, float]]]) -> Run:
    """Time a call."""
    cpu, writer, start = time.process_time(), _writer_cpu(), time.perf_counter()
    chunks, stages = work()
    return Run(chunks, time.perf_counter() - start, stages, time.process_time() - cpu, _writer_cpu() - writer)


def _writer_cpu() -> float:
    """Return the CPU seconds of the writer process that is kept, 0 where there is none."""
    if not child._spare:
        return 0.0
    fields = Path(f"/proc/{child._spare[0]._process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def index(items: Sequence[Loaded], chunk: Chunker, path: Path, hnsw: bool = False) -> Run:
    """Build, or bring up to date, a hybrid index."""
    pipeline = Pipeline(chunk=chunk, retrieve=Rrf(of=(Bm25(), Dense(model=MODEL))), index=IndexOptions(search="hnsw" if hnsw else "exact"))

    def work() -> tuple[int, dict[str, float]]:
        report = build(path, pipeline, items, [ROOT], Stored())
        return report.chunks, report.seconds

    return measured(work)


def lines(name: str, runs: Sequence[Run]) -> list[str]:
    """Return a row of the table, and one for each stage."""
    chunks, wall = runs[0].chunks, [r.wall for r in runs]
    middle = float(np.median(wall))
    cpu, writer = (float(np.median([getattr(r, n) for r in runs])) for n in ("parent", "writer"))
    found = [f"{name:44} {chunks / middle:9,.0f} {middle:7.2f} ({min(wall):.2f} to {max(wall):.2f}) {cpu:9.2f} {writer:9.2f}"]
    stages = {s: float(np.median([r.stages.get(s, 0.0) for r in runs])) for s in runs[0].stages}
    return found + [f"    {stage:40} {chunks / max(seconds, 1e-9):9,.0f} {seconds:7.2f}" for stage, seconds in stages.items()]


def changed(items: Sequence[Loaded]) -> list[Loaded]:
    """Return the corpus with one document that says something else."""
    first = items[0]
    return [replace(first, document=replace(first.document, text=first.document.text + " Amended.")), *items[1:]]


@app.command()
def main(
    chunks: Annotated[int, typer.Option(help="How many chunks are indexed.")] = 20_000,
    rounds: Annotated[int, typer.Option(help="How often each build is timed.")] = 3,
    hnsw: Annotated[bool, typer.Option(help="Build a graph too: its construction is most of the time then.")] = False,
    out: Annotated[Path | None, typer.Option(help="JSON file for the figures.")] = None,
) -> None:
    """Print the table."""
    kept: list[tuple[str, Sequence[Run]]] = []
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    work = f"{chunks} chunks of {WORDS} words, BM25 and {DIMENSION} dimensions, {'a graph' if hnsw else 'exact search'}"
    sys.stdout.write(f"{machine}; {work}\n{'':44}  chunks/s  wall s               CPU s: parent    writer\n")
    kinds: tuple[tuple[str, Chunker, int], ...] = (
        (f"documents of {PARTS} chunks", Recursive(size=1000, unit="characters"), PARTS),
        ("documents of one chunk", Whole(), 1),
    )
    with tempfile.TemporaryDirectory(dir=os.environ.get("RAG_BENCH_DIR")) as folder:
        for name, chunk, parts in kinds:
            items = corpus(chunks, parts)
            index(items[:10], chunk, Path(folder) / f"warm-{parts}", hnsw)  # starts the writer process
            made = [Path(folder) / f"{parts}-{n}" for n in range(rounds)]
            for what, given in ((name, items), (f"{name}, again, nothing changed", items), (f"{name}, again, one document changed", changed(items))):
                runs = [index(given, chunk, p, hnsw) for p in made]
                kept.append((what, runs))
                sys.stdout.write("\n".join(lines(what, runs)) + "\n")
    if out is not None:
        write(out, result(kept, work, f"python -m eval.bench.indexing --chunks {chunks} --rounds {rounds}{' --hnsw' if hnsw else ''}"))


def result(kept: Sequence[tuple[str, Sequence[Run]]], work: str, command: str) -> Result:
    """Return the builds as tables for docs/performance.md: in all, and by stage."""
    columns = ("what", "chunks/s", "seconds (from, to)", "CPU seconds of the parent", "of the writer")
    whole: list[tuple[Cell, ...]] = []
    stages: list[tuple[Cell, ...]] = []
    for what, runs in kept:
        middle = float(np.median([r.wall for r in runs]))
        cpu = (round(float(np.median([getattr(r, n) for r in runs])), 2) for n in ("parent", "writer"))
        whole.append((what, runs[0].chunks / middle, spread([r.wall for r in runs]), *cpu))
        stages += [(what, s, round(float(np.median([r.stages.get(s, 0.0) for r in runs])), 3)) for s in runs[0].stages]
    tables = (Table(work, columns, tuple(whole)), Table("By stage", ("what", "stage", "seconds"), tuple(stages)))
    return Result("Indexing to disk, embedding excluded", command, tables)


if __name__ == "__main__":
    sys.exit(run(app))
