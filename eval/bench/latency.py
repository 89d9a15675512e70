"""Milliseconds of a search: `python -m eval.bench.latency [--chunks 1000,20000]`: by leg, fused, filtered, by stage, and questions a second by callers.

Texts and vectors are made up (`eval.bench.scale`) and the embeddings of the questions known beforehand, so that no model is timed. Chunks are read anew for
every question except in the row that says otherwise.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from eval.bench.machine import bandwidth, exact_search_bytes
from eval.bench.measured import Result, Table, write
from eval.bench.scale import ROOT, documents, questions
from eval.bench.scale_search import WHERE
from rag.answer.extractive import Extractive
from rag.chunk.fixed import Fixed
from rag.index.build import build
from rag.index.store import Index
from rag.memo import Memo
from rag.pipeline import IndexOptions, Pipeline
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.weighted import Weighted
from rag.runtime import Runtime

MODEL = "hashing-384"  # vectors of MiniLM's size; none is waited for
TOP, WARM = 50, 20
SECONDS = 3.0  # that throughput is measured for, each time
CHUNK = Fixed(size=420, unit="characters")
LEGS = (Bm25(limit=TOP), Dense(model=MODEL, limit=TOP))
Row = dict[str, Any]
DIMENSION = 384
LIMIT = (
    "An exact search has to read every vector once from memory: {least:.3g} ms at the measured {memory:.1f} GB/s. The other rows have no limit that is simple."
)
NOTE = (
    "Made-up text and vectors of 384 dimensions, embeddings of the questions known beforehand; chunks are read anew for every question unless said otherwise."
)


def pipeline(retrieve: Any, search: Literal["auto", "exact", "hnsw"] = "auto") -> Pipeline:
    """Return a pipeline that answers without a model."""
    return Pipeline(chunk=CHUNK, retrieve=retrieve, answer=Extractive(blend=0, model=MODEL), index=IndexOptions(search=search))


HYBRID = pipeline(Weighted(LEGS, limit=TOP))


def opened(path: Path, texts: Sequence[str]) -> Index:
    """Return an index with a memo in memory that has the embeddings of the questions."""
    runtime = Runtime(Memo(), show_progress=False)
    runtime.embed(MODEL, texts)
    return Index.open(path, runtime)


def timed(index: Index, config: Pipeline, texts: Sequence[str], exact: bool | None = None, where: str | None = None, keep: bool = False) -> Row:
    """Return milliseconds a search: median, 95th percentile, and time on the processor, which other processes disturb less."""
    reader, spent = index.reader(config, exact=exact), []
    for text in texts[:WARM]:
        config.search(index, text, exact=exact, where=where)
    busy = time.process_time()
    for text in texts:
        if not keep:
            reader.forget_chunks()
        start = time.perf_counter()
        config.search(index, text, exact=exact, where=where)
        spent.append(1000 * (time.perf_counter() - start))
    cpu = 1000 * (time.process_time() - busy) / len(texts)
    return {"p50": _round(np.percentile(spent, 50)), "p95": _round(np.percentile(spent, 95)), "cpu": _round(cpu), "n": len(texts)}


def searches(index: Index, texts: Sequence[str]) -> Iterator[Row]:
    """Yield a row per kind of search."""
    bm25, dense = (pipeline(leg) for leg in LEGS)
    short = "graph" if index.manifest.hnsw else "" if index.reader(dense).exact else "one byte a number"
    yield {"what": "bm25", **timed(index, bm25, texts)}
    yield {"what": "dense, exact", **timed(index, dense, texts, exact=True)}
    if short:
        yield {"what": f"dense, {short}", **timed(index, dense, texts)}
    yield {"what": "fused, exact", **timed(index, HYBRID, texts, exact=True)}
    if short:
        yield {"what": f"fused, {short}", **timed(index, HYBRID, texts)}
    yield {"what": "fused, chunks kept", **timed(index, HYBRID, texts, keep=True)}
    yield {"what": "fused, a tenth of the documents", **timed(index, HYBRID, texts, where=WHERE)}


def stages(index: Index, texts: Sequence[str]) -> Iterator[Row]:
    """Yield a row per stage of answering, from the traces."""
    found: dict[str, list[float]] = {}
    for text in texts:
        index.reader(HYBRID).forget_chunks()
        for step in HYBRID.ask(index, text).trace:
            for part in (step, *step.steps):
                found.setdefault(f"{part.stage}: {part.use}", []).append(part.ms)
    for name, ms in found.items():
        yield {"what": name, "p50": _round(np.percentile(ms, 50)), "p95": _round(np.percentile(ms, 95)), "n": len(ms)}


def by_threads(index: Index, texts: Sequence[str], callers: int) -> Row:
    """Return questions a second of several threads that share an index."""
    end = time.perf_counter() + SECONDS
    with ThreadPoolExecutor(callers) as pool:
        done = sum(pool.map(partial(_until, index, texts, end), range(callers)))
    return {"what": f"{callers} threads, chunks kept", "per_second": round(done / SECONDS)}


def by_processes(path: Path, texts: Sequence[str], callers: int) -> Row:
    """Return questions a second of several processes, each with the index open."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(callers) as pool:
        list(pool.imap_unordered(partial(_serve, path, list(texts)), [0.2] * callers, chunksize=1))  # imports, and opens once
        done = sum(pool.imap_unordered(partial(_serve, path, list(texts)), [SECONDS] * callers, chunksize=1))
    return {"what": f"{callers} processes, chunks kept", "per_second": round(done / SECONDS)}


def _serve(path: Path, texts: Sequence[str], seconds: float) -> int:
    with opened(path, texts) as index:
        HYBRID.search(index, texts[0])
        return _until(index, texts, time.perf_counter() + seconds, 0)


def _until(index: Index, texts: Sequence[str], end: float, first: int) -> int:
    done = 0
    while time.perf_counter() < end:
        HYBRID.search(index, texts[(first * 31 + done) % len(texts)])
        done += 1
    return done


def _round(value: Any) -> float:
    return round(float(value), 3)


def main(
    chunks: Annotated[str, typer.Option(help="Numbers of chunks, with commas between them.")] = "1000,20000",
    callers: Annotated[str, typer.Option(help="Numbers of threads.")] = "1,2,4,8",
    asked: Annotated[int, typer.Option(min=WARM, max=300, help="How many questions are asked.")] = 200,
    graph: Annotated[bool, typer.Option(help="Build a graph whatever the size.")] = False,
    out: Annotated[Path | None, typer.Option(help="JSON file for the figures.")] = None,
) -> None:
    """Print the figures."""
    texts, rows = questions()[:asked], []
    for count in map(int, chunks.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "index"
            build(path, pipeline(HYBRID.retrieve, "hnsw" if graph else "auto"), documents(count), [ROOT], Runtime(Memo(), show_progress=False))
            with opened(path, texts) as index:
                held = index.manifest.chunks
                made = [*searches(index, texts), *stages(index, texts), *(by_threads(index, texts, int(n)) for n in callers.split(","))]
            made += [by_processes(path, texts, n) for n in (1, 2)]
        for row in made:
            rows.append({"chunks": held, **row})
            figures = "  ".join(f"{k} {v}" for k, v in row.items() if k != "what")
            sys.stdout.write(f"{held:>8}  {row['what']:34} {figures}\n")
            sys.stdout.flush()
    if out is not None:
        write(
            out, result(rows, f"python -m eval.bench.latency --chunks {chunks} --callers {callers} --asked {asked}{' --graph' if graph else ''}", bandwidth())
        )


def result(rows: Sequence[Row], command: str, memory: float) -> Result:
    """Return the rows as tables for docs/performance.md, one for each size; `memory` is the rate it is read at, in 10^9 bytes a second."""
    tables = []
    for size in dict.fromkeys(r["chunks"] for r in rows):
        own = [r for r in rows if r["chunks"] == size]
        least = exact_search_bytes(size, DIMENSION) / memory / 1e6  # milliseconds
        shares = {"dense, exact": least}
        timed = tuple((r["what"], r["p50"], r["p95"], r["n"], shares[r["what"]] / r["p50"] if r["what"] in shares else None) for r in own if "p50" in r)
        served = tuple((r["what"], r["per_second"]) for r in own if "per_second" in r)
        tables.append(
            Table(f"{size:,} chunks, milliseconds", ("what", "p50", "p95", "questions", "share of the limit"), timed, LIMIT.format(least=least, memory=memory))
        )
        tables.append(Table(f"{size:,} chunks, fused searches a second", ("callers", "searches/s"), served))
    return Result("Search by leg, stage and number of callers", command, tuple(tables), notes=(NOTE,))


if __name__ == "__main__":
    typer.run(main)
