"""`python -m eval.bench.scale [CHUNKS]`: one index of made-up text: building, memory, opening, search, recall, one change."""

from __future__ import annotations

import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from rag import Index, Pipeline, Runtime
from rag.chunk.fixed import Fixed
from rag.index.build import build
from rag.index.child import release
from rag.index.files import used
from rag.loaders.corpus import Loaded
from rag.memo import Memo
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.rrf import Rrf
from rag.shell import run
from rag.types import Document

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
MODEL = "hashing-384"  # vectors of MiniLM's size without its cost: embedding is not what is measured here
CHARACTERS, WORDS, PER_DOCUMENT, TOPICS = 420, 60, 10, 500
QUERIES, COMMON = 300, 20
ROOT = Path("/made-up")


@app.command()
def main(
    chunks: Annotated[int, typer.Argument(help="How many chunks.")] = 200_000,
    folder: Annotated[Path | None, typer.Option(help="Where to build and leave the index; default: a temporary folder.")] = None,
) -> None:
    """Print the figures."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with nullcontext(str(folder)) if folder else tempfile.TemporaryDirectory() as name:
        for line in figures(chunks, Path(name)):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


def documents(chunks: int, changed: bool = False) -> Iterator[Loaded]:
    """Yield documents of ten chunks of 60 words each: words of one of 500 topics and of all, both by Zipf's law."""
    rng = np.random.default_rng(0)
    for n in range(chunks // PER_DOCUMENT):
        topic = 3000 * int(rng.integers(TOPICS))
        ranks = rng.zipf(1.3, size=WORDS * PER_DOCUMENT) % 3000
        own = rng.random(WORDS * PER_DOCUMENT) < 0.5
        text = " ".join(f"w{r + topic if o else r}" for r, o in zip(ranks.tolist(), own.tolist(), strict=True))
        if changed and n == 17:
            text = f"altered {text}"
        yield Loaded(Document(f"{n:07d}.txt", text), ROOT)


def figures(chunks: int, folder: Path) -> Iterator[str]:
    """Build, update and search; yields lines."""
    pipeline = Pipeline(chunk=Fixed(size=CHARACTERS, unit="characters"), retrieve=Rrf((Bm25(limit=50), Dense(model=MODEL, limit=50)), limit=10))
    runtime = Runtime(Memo(folder / "memo.sqlite"), show_progress=False)
    yield f"{platform.machine()}, Python {platform.python_version()}; {chunks} chunks asked for, of about {WORDS} words, vectors of 384 dimensions"
    before = _peak()
    start = time.perf_counter()
    report = build(folder / "index", pipeline, documents(chunks), [ROOT], runtime)
    yield f"build: {time.perf_counter() - start:.1f} s; " + ", ".join(f"{k} {v:.1f}" for k, v in report.seconds.items())
    release()  # ends the writer, so that its memory is counted
    yield f"peak memory: building process {_peak():.0f} MB ({before:.0f} before), writer {_peak(resource.RUSAGE_CHILDREN):.0f} MB, mapped files included"
    yield f"on disk: {used(folder / 'index') / 1e6:.0f} MB; bytes a chunk: " + ", ".join(
        f"{k} {v / report.chunks:.0f}" for k, v in parts(folder / "index").items()
    )
    opened = []
    for _ in range(3):
        start = time.perf_counter()
        Index.open(folder / "index", runtime).close()
        opened.append(time.perf_counter() - start)
    yield f"open: {min(opened):.2f} to {max(opened):.2f} s"
    yield from searching(folder / "index", pipeline, runtime, chunks)
    start = time.perf_counter()
    report = build(folder / "index", pipeline, documents(chunks, changed=True), [ROOT], runtime)
    yield f"one changed document: {time.perf_counter() - start:.1f} s ({report.updated} updated, {report.unchanged} unchanged); " + ", ".join(
        f"{k} {v:.1f}" for k, v in report.seconds.items()
    )


def parts(index: Path) -> dict[str, int]:
    """Return the bytes on disk by what they hold."""
    found = dict.fromkeys(("vectors", "graph", "keywords", "payload", "table", "else"), 0)
    for path in index.rglob("*"):
        if path.is_file():
            found[_part(path.as_posix())] += path.stat().st_blocks * 512
    return found


def _part(path: str) -> str:
    for mark, name in (
        ("vector_storage-dense", "vectors"),
        ("vector_index-dense", "graph"),
        ("-bm25", "keywords"),
        ("/payload_", "payload"),
        ("documents.sqlite", "table"),
    ):
        if mark in path:
            return name
    return "else"


def searching(path: Path, pipeline: Pipeline, runtime: Runtime, chunks: int) -> Iterator[str]:
    """Time searches with the query's embedding known, and count how many of the exact ten vectors the graph finds."""
    rng = np.random.default_rng(1)
    words = [COMMON + rng.zipf(1.3, size=QUERIES) % (3000 - COMMON) for _ in range(3)]  # none that is in most chunks: in text those are stop words
    topics = 3000 * rng.integers(TOPICS, size=QUERIES)
    texts = [f"w{r + t} w{s + t} w{u}" for r, s, u, t in zip(*words, topics, strict=True)]
    dense = Pipeline(chunk=pipeline.chunk, retrieve=Dense(model=MODEL, limit=10))
    runtime.embed(MODEL, texts)
    with Index.open(path, runtime) as index:
        for name, exact in (("graph", None), ("exact", True)):
            times = []
            for text in [*texts[:20], *texts]:
                index.reader(pipeline, exact=exact).forget_chunks()
                start = time.perf_counter()
                pipeline.search(index, text, exact=exact)
                times.append(1000 * (time.perf_counter() - start))
            p50, p95, p99 = np.percentile(times[20:], [50, 95, 99])
            yield f"hybrid search, 50 of each, top 10, {name}: p50 {p50:.1f} p95 {p95:.1f} p99 {p99:.1f} ms"
        found = [len({h.chunk.id for h in dense.search(index, t)[0]} & {h.chunk.id for h in dense.search(index, t, exact=True)[0]}) for t in texts[:100]]
        yield f"recall@10 of the graph against exact vectors: {np.mean(found) / 10:.3f}"


def _peak(who: int = resource.RUSAGE_SELF) -> float:
    return resource.getrusage(who).ru_maxrss / 1000


if __name__ == "__main__":
    sys.exit(run(app))
