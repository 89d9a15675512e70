"""A grid of configurations through `eval.runner.run`, or as a loop over the same stages, or its parts; `options["way"]` says which.

`naive` is what one writes without this project's grid: for each configuration it reads the corpus, builds an index of its own, asks every question
and scores the answers with the same metrics and judge. Nothing is remembered but the opened models and what the judge itself keeps in memory: as in
a loop around Ragas, which caches nothing unless told to, and in which every metric asks for itself. `kept` is the same loop with a memo
for each configuration, so that there no text is embedded twice and no verdict is asked for twice.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.bench.peers.inputs import Inputs
from eval.bench.peers.protocol import Competitor, serve
from eval.boundaries import chunk_spans, held
from eval.grid import groups, open_shared
from eval.judges._quotes import _joined as joined
from eval.judges.embedded import Embedded
from eval.judges.embedded import _text as texts_of
from eval.judges.words import parse
from eval.matrix import BASE, expand, read
from eval.metrics import DEFAULT_METRICS
from eval.records import answer_row
from eval.runner import run
from eval.score import Score
from eval.scoring import score
from eval.task import corpus_digest, prepare, read_corpus
from rag.index.build import build
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.loaders.limits import Limits
from rag.memo import Memo, cache_dir
from rag.models.files import BUNDLED
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.scores import forget_terms

CORPUS = Path("corpus")


class Nothing(Memo):
    """A memo that keeps nothing."""

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return nothing."""
        return {}

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Keep nothing."""


class Grid(Competitor):
    """The configurations of `options["matrix"]` without its base, on `options["corpus"]` and `options["questions"]`."""

    packages = ("spanwise", "qdrant-edge-py", "sentence-transformers", "transformers", "torch", "numpy")

    def __init__(self, given: Inputs, folder: Path, options: Mapping[str, Any]) -> None:
        super().__init__(given, folder, options)
        self.pipelines = {n: p for n, p in expand(read(Path(options["matrix"]))).pipelines.items() if n != BASE}
        self.corpus, self.questions, self.limit = Path(options["corpus"]), Path(options["questions"]), int(options["limit"])
        self.runtime = Runtime(Memo(cache_dir() / "memo.sqlite"), show_progress=False)
        if options.get("warm", True):
            self.runtime.encoder(BUNDLED).encode(["warm"])

    def index(self) -> Mapping[str, Any]:
        """Evaluate every configuration; `means` holds the mean of each metric by configuration, to see that the same was done."""
        way = self.options.get("way")
        if way == "parts":
            return self._parts(str(self.options["dearest"]))
        means, seconds = {}, {}
        for name, pipeline in self.pipelines.items() if way in ("naive", "kept") else ():
            start = time.perf_counter()
            means[name] = _means(self._alone(pipeline, name, way == "kept"))
            seconds[name] = time.perf_counter() - start
        return {"chunks": len(self.pipelines), "parts": means or self._run(self.pipelines), "costs": seconds}

    def _run(self, pipelines: Mapping[str, Pipeline]) -> dict[str, dict[str, float]]:
        """Return the means that the run of the project gives; it times no question, as the loop does not, unless `options["latency_questions"]` is there."""
        timed = self.options.get("latency_questions", 0)
        summary = run(pipelines, self.corpus, self.questions, self.folder / "out", limit=self.limit, latency_questions=timed, runtime=self.runtime)
        return {name: _shown(summary["configs"][name]) for name in pipelines}

    def _parts(self, dearest: str) -> dict[str, Any]:
        """Build the distinct indexes, then evaluate one configuration, which finds its index there; return the seconds of each under `costs`."""
        start = time.perf_counter()
        most = Limits.widest([Limits.from_options(p.index) for p in self.pipelines.values()])
        documents, _ = read_corpus(self.corpus, most)
        for names in groups(self.pipelines):
            open_shared([self.pipelines[n] for n in names], documents, corpus_digest(documents), self.runtime).close()
        built = time.perf_counter() - start
        open_shared([self.pipelines[dearest]], documents, corpus_digest(documents), self.runtime).close()  # another, where it has fewer spaces than all
        start = time.perf_counter()
        self._run({dearest: self.pipelines[dearest]})
        return {"costs": {"indexes": built, "dearest": time.perf_counter() - start}}

    def _alone(self, pipeline: Pipeline, name: str, keep: bool) -> Sequence[Score]:
        """Return the scores of one configuration, with nothing known from the others."""
        forget_terms()
        for remembered in (parse, texts_of, joined):
            remembered.cache_clear()
        runtime = self.runtime.unmemoised()
        if not keep:
            runtime._memo = Nothing()
        task = prepare(self.corpus, self.questions, DEFAULT_METRICS, "embedded", self.limit, Limits.from_options(pipeline.index), runtime)
        if not keep:
            task = replace(task, judge=Embedded().open(task.documents, runtime))  # without the memo around it
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            build(Path(folder), pipeline, [Loaded(d, CORPUS) for d in task.documents], [CORPUS], runtime)
            with Index.open(folder, runtime) as index:
                whole = held(task.questions, chunk_spans(index))
                rows = [answer_row(q.id, pipeline.ask(index, q.text, exact=True), whole[q.id]) for q in task.questions]
        return score(rows, task, {}, runtime, name)

    def search(self, text: str) -> Sequence[Any]:
        """Nothing is searched for alone."""
        return []


def _means(scores: Sequence[Score]) -> dict[str, float]:
    """Return the mean of each metric over the questions that have a value."""
    values: dict[str, list[float]] = defaultdict(list)
    for s in scores:
        if s.value is not None:
            values[s.metric].append(s.value)
    return {name: sum(v) / len(v) for name, v in values.items()}


def _shown(entry: Mapping[str, Any]) -> dict[str, float]:
    """Return the same from what a summary says of a configuration."""
    return {name: float(m["mean"]) for name, m in entry["metrics"].items() if m.get("mean") is not None}


if __name__ == "__main__":
    serve(Grid)
