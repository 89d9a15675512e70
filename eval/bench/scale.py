"""`python -m eval.bench.scale [CHUNKS...]`: indexes of made-up text at several sizes: building, memory, disk, search by leg, recall, and how it all grows.

With `--vectors` (see `eval.bench.mixture`) a chunk's vector is like one of a real model, and recall means something; without, it is the sum of random
word vectors, about the worst case for a graph. Searching is measured in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from eval.bench.measured import Curve, Result, Table, text, write
from eval.bench.memory import Peak
from eval.bench.mixture import Mixture
from eval.bench.scale_search import FILTERED, LEGS, MODEL, Known, pipeline
from rag.index.build import build
from rag.index.child import release
from rag.index.files import used
from rag.loaders.corpus import Loaded
from rag.models.encoder import Vectors
from rag.models.hashing import HashingEncoder
from rag.shell import run
from rag.types import Document

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
WORDS, PER_DOCUMENT, TOPICS, PARTS = 60, 10, 500, 10
QUERIES, COMMON = 300, 20
ROOT = Path("/made-up")
STAGES = ("read and chunk", "embed", "write", "optimize and seal")


@app.command()
def main(
    chunks: Annotated[list[int] | None, typer.Argument(help="How many chunks, one index for each size; default 200000.")] = None,
    vectors: Annotated[Path | None, typer.Option(help="Unit vectors of a real model to make others like them from.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the result is kept as JSON.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where to build and leave the indexes; default: a temporary folder.")] = None,
    change: Annotated[bool, typer.Option(help="Also change one document of each index and bring it up to date.")] = True,
) -> None:
    """Print the figures."""
    sizes = sorted(chunks or [200_000])
    made = Mixture(np.load(vectors).astype(np.float32), QUERIES) if vectors else None
    with nullcontext(str(folder)) if folder else tempfile.TemporaryDirectory() as name:
        found = []
        for size in sizes:
            place = Path(name) / str(size)
            place.mkdir(parents=True, exist_ok=True)
            found.append(figures(size, place, made, change))
            result = report(found, " ".join(["python -m eval.bench.scale", *sys.argv[1:]]), made is not None)
            if out is not None:  # after every size: the largest takes long
                write(out, result)
    sys.stdout.write(text(result))


def documents(chunks: int, changed: bool = False) -> Iterator[Loaded]:
    """Yield documents of ten chunks of 60 words each, each in one of ten parts: words of one of 500 topics and of all, both by Zipf's law."""
    rng = np.random.default_rng(0)
    for n in range(chunks // PER_DOCUMENT):
        topic = 3000 * int(rng.integers(TOPICS))
        ranks = rng.zipf(1.3, size=WORDS * PER_DOCUMENT) % 3000
        own = rng.random(WORDS * PER_DOCUMENT) < 0.5
        text = " ".join(f"w{r + topic if o else r}" for r, o in zip(ranks.tolist(), own.tolist(), strict=True))
        if changed and n == 17:
            text = f"altered {text}"
        yield Loaded(Document(f"{n:07d}.txt", text, meta={"part": f"p{n % PARTS}"}), ROOT)


def questions() -> list[str]:
    """Return questions of three words, two of a topic and one of all; none that is in most chunks: in text those are stop words."""
    rng = np.random.default_rng(1)
    words = [COMMON + rng.zipf(1.3, size=QUERIES) % (3000 - COMMON) for _ in range(3)]
    topics = 3000 * rng.integers(TOPICS, size=QUERIES)
    return [f"w{r + t} w{s + t} w{u} {n}" for n, (r, s, u, t) in enumerate(zip(*words, topics, strict=True))]


def figures(chunks: int, folder: Path, made: Mixture | None, change: bool) -> dict[str, Any]:
    """Build an index, search it, and bring it up to date."""
    make: Callable[[Sequence[str]], Vectors] = made.of if made else HashingEncoder(int(MODEL.removeprefix("hashing-"))).encode
    asked = questions()
    rows = made.questions if made else make(asked)
    runtime, index = Known(dict(zip(asked, rows, strict=True)), make), folder / "index"
    with Peak() as peak:
        start = time.perf_counter()
        built = build(index, pipeline(LEGS["hybrid"]), documents(chunks), [ROOT], runtime)
        seconds = time.perf_counter() - start
        peak.look()
    release()
    found: dict[str, Any] = {"build_s": seconds, "stages": built.seconds, "anonymous_reads": peak.own, "anonymous_writes": peak.started}
    found |= {"disk": used(index) / 1e6, "parts": {k: v / built.chunks for k, v in parts(index).items()}} | searched(index, asked, rows, folder)
    if change:
        start = time.perf_counter()
        again = build(index, pipeline(LEGS["hybrid"]), documents(chunks, changed=True), [ROOT], runtime)
        found["change_s"], found["change_stages"] = time.perf_counter() - start, again.seconds
        release()
    return found


def searched(index: Path, asked: Sequence[str], rows: Vectors, folder: Path) -> dict[str, Any]:
    """Return what another process measured on searching an index."""
    given = folder / "questions.npz"
    np.savez(given, texts=np.array(asked), vectors=rows)
    done = subprocess.run([sys.executable, "-m", "eval.bench.scale_search", str(index), str(given)], check=True, capture_output=True, text=True)  # noqa: S603  # our own module
    return dict(json.loads(done.stdout))


def parts(index: Path) -> dict[str, int]:
    """Return the bytes on disk by what they hold."""
    found = dict.fromkeys(("vectors", "quantized", "graph", "keywords", "payload", "table", "else"), 0)
    for path in index.rglob("*"):
        if path.is_file():
            found[_part(path.as_posix())] += path.stat().st_blocks * 512
    return found


def _part(path: str) -> str:
    for mark, name in (
        ("/quantized.", "quantized"),
        ("vector_storage-dense", "vectors"),
        ("vector_index-dense", "graph"),
        ("-bm25", "keywords"),
        ("/payload_", "payload"),
        ("documents.sqlite", "table"),
    ):
        if mark in path:
            return name
    return "else"


def report(found: Sequence[dict[str, Any]], command: str, real: bool) -> Result:
    """Return the tables and the curves of growth; lists of three are p50, p95 and p99."""
    legs = ("bm25", "dense", "hybrid", FILTERED, "dense, exact")
    search = Table(
        "Searching, embedding aside, chunks read anew",
        ("chunks", "segments", "quantized", *(f"{n} p50 / p95 ms" for n in legs), "recall@10 of the graph", "open s", "anonymous MB"),
        tuple(
            (f["chunks"], f["segments"], f["quantization"], *(f"{f['ms'][n][0]:.1f} / {f['ms'][n][1]:.1f}" for n in legs), round(f["recall"], 4),
             f["open_s"], f["anonymous_served"]) for f in found
        ),
        "bm25 and dense: the ten best of one; hybrid: the ten best of fifty of each. Anonymous memory is that of a process that does nothing else.",
    )  # fmt: skip
    building = Table(
        "Building, embedding aside",
        ("chunks", "seconds", *STAGES, "anonymous MB, reading", "anonymous MB, writing", "disk MB", "one changed document s"),
        tuple(
            (f["chunks"], f["build_s"] - f["stages"].get("embed", 0.0), *(f["stages"].get(s) for s in STAGES), f["anonymous_reads"], f["anonymous_writes"],
             f["disk"], f.get("change_s")) for f in found
        ),
    )  # fmt: skip
    kinds = list(found[0]["parts"])
    disk = Table("Bytes a chunk on disk", ("chunks", *kinds), tuple((f["chunks"], *(round(f["parts"][k]) for k in kinds)) for f in found))
    return Result(
        "Growth",
        command,
        (search, building, disk),
        (
            Curve("Latency, p50", "chunks", "ms", {n: [(f["chunks"], f["ms"][n][0]) for f in found] for n in legs}),
            Curve("Building", "chunks", "s", {"embedding aside": [(f["chunks"], f["build_s"] - f["stages"].get("embed", 0.0)) for f in found]}),
            Curve("Disk", "chunks", "MB", {"index": [(f["chunks"], f["disk"]) for f in found]}),
        ),
        (
            f"Made-up text, chunks of about {WORDS} words; vectors of 384 dimensions, {'like those of a real model' if real else 'sums of random word vectors'}.",
        ),
    )


if __name__ == "__main__":
    sys.exit(run(app))
