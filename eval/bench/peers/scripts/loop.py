"""A grid of configurations through `eval.runner.run` (`options["naive"]` unset), or as a loop over the same stages that shares nothing.

The loop is what one writes without this project's grid: for each configuration it reads the corpus, builds an index of its own, embeds
everything again, asks every question and scores the answers with the same metrics and judge. Only the opened models are shared.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.bench.peers.inputs import Inputs
from eval.bench.peers.protocol import Competitor, serve
from eval.boundaries import chunk_spans, held
from eval.matrix import BASE, expand, read
from eval.metrics import DEFAULT_METRICS
from eval.records import answer_row
from eval.runner import run
from eval.score import Score
from eval.scoring import score
from eval.task import prepare
from rag.index.build import build
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.loaders.limits import Limits
from rag.memo import Memo, cache_dir
from rag.models.files import BUNDLED
from rag.pipeline import Pipeline
from rag.runtime import Runtime

CORPUS = Path("corpus")


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
        if self.options.get("naive"):
            means = {name: _means(self._alone(pipeline, name)) for name, pipeline in self.pipelines.items()}
        else:
            summary = run(self.pipelines, self.corpus, self.questions, self.folder / "out", limit=self.limit, runtime=self.runtime)
            means = {name: _shown(summary["configs"][name]) for name in self.pipelines}
        return {"chunks": len(self.pipelines), "parts": means}

    def _alone(self, pipeline: Pipeline, name: str) -> Sequence[Score]:
        """Return the scores of one configuration, with nothing known from the others."""
        runtime = self.runtime.unmemoised()
        task = prepare(self.corpus, self.questions, DEFAULT_METRICS, "embedded", self.limit, Limits.from_options(pipeline.index), runtime)
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
