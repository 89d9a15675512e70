"""`python -m eval.bench.speed DATA`: speed of indexing and search on SciFact, and bm25 against the rank-bm25 package."""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from rag import Index, Pipeline, Runtime
from rag.chunk.fixed import Fixed
from rag.chunk.whole import Whole
from rag.errors import CorpusError
from rag.index.build import build
from rag.loaders.corpus import Loaded, read
from rag.memo import Memo
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.rank_bm25 import RankBm25
from rag.retrieve.rrf import Rrf
from rag.shell import run
from rag.stages import Chunker, Retriever

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
MODEL = "hashing-384"  # vectors of MiniLM's size without its cost: embedding is not what is measured here


@app.command()
def main(data: Annotated[Path, typer.Argument(help="A BEIR folder, for example ../shared/data/scifact.")]) -> None:
    """Print the tables."""
    from eval.questions import load_questions

    items = [i for i in read([data.resolve()], 100) if isinstance(i, Loaded)]
    if not items:
        raise CorpusError(f"{data}: no documents")
    queries = [q.text for q in load_questions(data, {i.document.id: i.document for i in items})]
    out = [
        f"{platform.machine()}, {platform.processor() or 'unknown processor'}, Python {platform.python_version()}; {len(items)} documents, {len(queries)} queries"
    ]
    with tempfile.TemporaryDirectory() as folder:
        out += indexing(items, Path(folder))
        out += searching(items, queries, Path(folder))
        out += agreement(items, queries, Path(folder))
    sys.stdout.write("\n".join(out) + "\n")


def _pipeline(chunk: Chunker, retrieve: Retriever) -> Pipeline:
    return Pipeline(chunk=chunk, retrieve=retrieve)


def _build(items: Sequence[Loaded], pipeline: Pipeline, path: Path) -> tuple[int, dict[str, float]]:
    report = build(path, pipeline, items, [items[0].root], Runtime(Memo(), show_progress=False))
    return report.chunks, report.seconds


def indexing(items: Sequence[Loaded], folder: Path) -> list[str]:
    """Return the indexing table: chunks a second apart from embedding, from three builds."""
    lines = ["", "indexing, BM25 and 384 dimensions, to disk     chunks   seconds apart from embedding   chunks/s   write path alone"]
    both = Rrf(of=(Bm25(), Dense(model=MODEL)))
    for name, chunk in (("whole documents", Whole()), ("fixed, 100 tokens", Fixed(size=100))):
        runs, writes = [], []
        for n in range(3):
            chunks, seconds = _build(items, _pipeline(chunk, both), folder / f"{name}-{n}")
            runs.append(sum(v for k, v in seconds.items() if k != "embed"))
            writes.append(sum(seconds[k] for k in ("write", "optimize and seal")))
        best = float(np.median(runs))
        lines.append(
            f"{name:46} {chunks:7}   {best:8.2f} ({min(runs):.2f} to {max(runs):.2f})       {chunks / best:8.0f}   {chunks / float(np.median(writes)):8.0f}"
        )
    return lines


def searching(items: Sequence[Loaded], queries: Sequence[str], folder: Path) -> list[str]:
    """Return the latency table: milliseconds a query apart from embedding it, top 100, chunks not cached."""
    lines = ["", "search, embedding excluded, nothing cached      p50 ms    p95 ms"]
    both = Rrf(of=(Bm25(), Dense(model=MODEL)))
    shallow = Rrf(of=(Bm25(limit=50), Dense(model=MODEL, limit=50)), limit=10)
    _build(items, _pipeline(Whole(), both), folder / "search")
    runtime = Runtime(Memo(), show_progress=False)
    with Index.open(folder / "search", runtime) as index:
        for name, leg in (
            ("bm25, top 10", Bm25(limit=10)),
            ("dense, exact, top 10", Dense(model=MODEL, limit=10)),
            ("rrf, 50 of each, top 10", shallow),
            ("rrf, 100 of each, top 100", both),
        ):
            pipeline = _pipeline(Whole(), leg)
            times = []
            for text in [*queries[:20], *queries]:
                index.reader(pipeline).forget_chunks()
                start = time.perf_counter()
                _, steps = pipeline.search(index, text)
                embed = sum(float(str(s.facts.get("embed_ms", 0))) for step in steps for s in step.walk())
                times.append(1000 * (time.perf_counter() - start) - embed)
            p50, p95 = np.percentile(times[20:], [50, 95])
            lines.append(f"{name:46} {p50:8.2f}  {p95:8.2f}")
    return lines


def agreement(items: Sequence[Loaded], queries: Sequence[str], folder: Path) -> list[str]:
    """Return how far bm25 and rank_bm25 agree at equal parameters and terms."""
    runtime = Runtime(Memo(), show_progress=False)
    path = folder / "agreement"
    _build(items, _pipeline(Whole(), Bm25()), path)
    overlap, worst, same = [], 0.0, 0
    with Index.open(path, runtime) as index:
        ours, okapi = _pipeline(Whole(), Bm25(limit=10)), _pipeline(Whole(), RankBm25(limit=10))
        lucene = replace(okapi, retrieve=RankBm25(limit=10, idf="lucene"))
        for text in queries:
            a, b, c = ({h.chunk.id: h.score for h in p.search(index, text)[0]} for p in (ours, okapi, lucene))
            overlap.append(len(a.keys() & b.keys()) / 10)
            worst = max([worst, *(abs(a[i] - c[i]) for i in a.keys() & c.keys())])
            same += a.keys() == c.keys()
    return [
        "",
        f"bm25 against rank_bm25: top tens overlap by {np.mean(overlap):.3f} on average (their idf differ);",
        f"with the idf made equal {same} of {len(queries)} top tens are the same and scores differ by at most {worst:.1e}",
    ]


if __name__ == "__main__":
    sys.exit(run(app))
