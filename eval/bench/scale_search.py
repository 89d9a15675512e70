"""Searches one index in a process of its own, as a service would, and prints what that took as JSON: started by `eval.bench.scale`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.bench.memory import anonymous
from rag import Index, Pipeline, Runtime
from rag.chunk.fixed import Fixed
from rag.memo import Memo
from rag.models.encoder import Vectors
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.rrf import Rrf
from rag.stages import Retriever

MODEL = "hashing-384"  # the name of vectors that no encoder is waited for: embedding is not what is measured here
CHARACTERS, DEEP, TOP = 384, 50, 10
WARM, EXACT = 20, 100
FILTERED, WHERE = "hybrid, a tenth of the documents", "part = p3"
LEGS: dict[str, Retriever] = {
    "bm25": Bm25(limit=TOP),
    "dense": Dense(model=MODEL, limit=TOP),
    "hybrid": Rrf((Bm25(limit=DEEP), Dense(model=MODEL, limit=DEEP)), limit=TOP),
}


def pipeline(retrieve: Retriever) -> Pipeline:
    """Return a pipeline of the chunker that the index is built with."""
    return Pipeline(chunk=Fixed(size=CHARACTERS, unit="characters"), retrieve=retrieve)


class Known(Runtime):
    """A runtime that knows the vectors of some texts and makes those of others."""

    def __init__(self, known: dict[str, Vectors], make: Callable[[Sequence[str]], Vectors] | None = None) -> None:
        """Take the vectors of questions by text, and what makes all others."""
        super().__init__(Memo(), show_progress=False)
        self._known, self._make = known, make

    def embed(self, model: str, texts: Sequence[str], prefix: str = "", label: str = "embed", question: bool = False) -> Vectors:
        """Return one row per text."""
        if self._make is None or (texts and texts[0] in self._known):
            return np.stack([self._known[t] for t in texts])
        return self._make(texts)


def measured(path: Path, questions: dict[str, Vectors]) -> dict[str, Any]:
    """Return seconds to open, milliseconds by leg, recall of the graph against all vectors, and anonymous memory in 10^6 bytes."""
    runtime, texts = Known(questions), list(questions)
    before = anonymous()
    start = time.perf_counter()
    with Index.open(path, runtime) as index:
        found: dict[str, Any] = {"open_s": time.perf_counter() - start, "anonymous_opened": anonymous(), "anonymous_before": before}
        found["chunks"], found["quantization"] = index.manifest.chunks, index.manifest.quantization
        found["segments"] = sum(1 for _ in (index.generation / "shard" / "segments").iterdir())
        found["ms"] = {name: _timed(index, pipeline(leg), texts, None) for name, leg in LEGS.items()}
        found["ms"][FILTERED] = _timed(index, pipeline(LEGS["hybrid"]), texts, None, WHERE)
        found["anonymous_served"] = anonymous()
        dense = pipeline(LEGS["dense"])
        kept = [len(_ids(index, dense, t, None) & _ids(index, dense, t, True)) / TOP for t in texts[:EXACT]]
        found["recall"] = float(np.mean(kept))
        found["ms"]["dense, exact"] = _timed(index, dense, texts[:EXACT], True)
    return found


def _ids(index: Index, asked: Pipeline, text: str, exact: bool | None) -> set[str]:
    return {h.chunk.id for h in asked.search(index, text, exact=exact)[0]}


def _timed(index: Index, asked: Pipeline, texts: Sequence[str], exact: bool | None, where: str | None = None) -> list[float]:
    """Return p50, p95 and p99 of searches whose chunks are read anew each time."""
    times = []
    for text in [*texts[:WARM], *texts]:
        index.reader(asked, exact=exact).forget_chunks()
        start = time.perf_counter()
        asked.search(index, text, exact=exact, where=where)
        times.append(1000 * (time.perf_counter() - start))
    return [float(t) for t in np.percentile(times[WARM:], [50, 95, 99])]


def main() -> int:
    """Read an index and a file of questions, as `numpy.savez` wrote their texts and vectors."""
    with np.load(sys.argv[2]) as given:
        questions = dict(zip(given["texts"].tolist(), given["vectors"], strict=True))
    sys.stdout.write(json.dumps(measured(Path(sys.argv[1]), questions)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
