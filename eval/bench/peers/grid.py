"""Runs the work `grid`: twelve configurations on the handbook, first as a loop that shares nothing, then as this project does it, twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from eval.bench.peers import inputs
from eval.bench.peers.figures import figure, ratios
from eval.bench.peers.process import OWN_PYTHON, REPOSITORY, Failed, Process, script
from rag.models.files import BUNDLED, locate

NAIVE, KEPT, FIRST, SECOND, SAME = "naive loop", "loop with a memo for each configuration", "first run", "second run", "second run, same process"
TIMED = "first run, with the latency sample"
INDEXES, DEAREST = "distinct indexes", "dearest configuration"
CHOSEN = {
    NAIVE: "for each configuration its own index, embeddings, answers and scores, nothing remembered; models opened once",
    KEPT: "the same, but within a configuration no text is embedded twice and no verdict asked for twice",
    FIRST: "eval.runner.run with an empty cache and --latency-questions 0, as the loop times nothing; models opened before, as for the loop",
    SECOND: "the same again in a fresh process, its start and imports included",
    SAME: "the same again in the same process",
    TIMED: "the first run with 15 questions of each configuration timed, which is its default: each is asked once more with nothing remembered",
    INDEXES: "reading the corpus and building every index that the configurations need, nothing else",
    DEAREST: "the configuration that took the loop longest, evaluated alone with an empty cache; its index is there",
}
EQUAL = 1e-9  # how far means of the same scores may differ by the order of adding


def gridded(folder: Path, say: Callable[[str], None], rounds: int = 1, questions: int = 200) -> dict[str, Any]:
    """Return the figures; `ratio` is how many times as fast as the naive loop of the same round. Raises `Failed` when the scores are not the same."""
    inputs.write(folder / "inputs", 20, str(locate(BUNDLED)), REPOSITORY)  # the protocol wants some; the grid reads the handbook
    data = REPOSITORY / "data"
    options = {
        "matrix": str(REPOSITORY / "configs" / "sweep" / "grid.yaml"), "corpus": str(data / "handbook"), "questions": str(data / "questions.jsonl"), "limit": questions,
    }  # fmt: skip
    values: dict[str, list[float]] = {n: [] for n in CHOSEN}
    cpu: dict[str, list[float]] = {NAIVE: [], KEPT: [], FIRST: [], SAME: [], TIMED: []}
    configurations = 0

    def add(name: str, seconds: float, worked: float | None = None) -> None:
        values[name].append(seconds)
        if worked is not None:
            cpu[name].append(worked)
        say(f"round {n + 1} of {rounds}: {name} {seconds:.2f} s")

    for n in range(rounds):
        first, same = _timed(folder, f"own-{n}", options, 2)
        add(FIRST, first["seconds"], first["cpu"])
        add(SAME, same["seconds"], same["cpu"])
        start = time.perf_counter()
        _timed(folder, f"own-{n}", {**options, "warm": False}, 1)
        add(SECOND, time.perf_counter() - start)
        timed = _timed(folder, f"timed-{n}", {**options, "latency_questions": None}, 1)[0]
        add(TIMED, timed["seconds"], timed["cpu"])
        for name, way in ((NAIVE, "naive"), (KEPT, "kept")):
            loop = _timed(folder, f"{way}-{n}", {**options, "way": way}, 1)[0]
            add(name, loop["seconds"], loop["cpu"])
            check(loop["parts"], first["parts"])
        configurations = loop["chunks"]
        dearest = max(loop["costs"], key=loop["costs"].__getitem__)
        parts = _timed(folder, f"parts-{n}", {**options, "way": "parts", "dearest": dearest}, 1)[0]["costs"]
        add(INDEXES, parts["indexes"])
        add(DEAREST, parts["dearest"])
    made = {"configurations": configurations, "questions": questions, "rounds": rounds}
    return {"unit": "seconds", "inputs": made, "rows": rows(values, cpu), "share": beyond(values), "failed": {}}


def beyond(values: Mapping[str, Sequence[float]]) -> float:
    """Return how many times as long as its dearest configuration the grid took, indexes aside: the median over the rounds."""
    return round(median((f - i) / d for f, i, d in zip(values[FIRST], values[INDEXES], values[DEAREST], strict=True)), 3)


def _timed(folder: Path, name: str, options: Mapping[str, Any], times: int) -> list[dict[str, Any]]:
    """Return what one process answers when it is told to do the grid so many times."""
    place = folder / name
    (place / "data").mkdir(parents=True, exist_ok=True)
    with Process(OWN_PYTHON, script("loop"), place) as process:
        process.order("load", inputs=str(folder / "inputs"), folder=str(place / "data"), options=options)
        return [process.order("index") for _ in range(times)]


def check(naive: Mapping[str, Mapping[str, float]], ours: Mapping[str, Mapping[str, float]]) -> None:
    """Raise `Failed` where a metric of a configuration has another mean in the loop than in the run: then they did not do the same work."""
    for name, metrics in naive.items():
        other = ours.get(name, {})
        if metrics.keys() != other.keys():
            raise Failed(f"{name}: the loop and the run have other metrics: {sorted(metrics.keys() ^ other.keys())}")
        for metric, value in metrics.items():
            if not np.isclose(value, other[metric], rtol=0, atol=EQUAL):
                raise Failed(f"{name}: {metric} is {value} in the loop and {other[metric]} in the run")


def rows(values: Mapping[str, Sequence[float]], cpu: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """Return a row for each way, with how many times as fast as the naive loop it was, and the processors' seconds where they are known."""
    return [
        {"name": n, "role": "ours", "keeps": "disk", "chosen": CHOSEN[n], "mode": "", "value": figure(v), "ratio": ratios(values[NAIVE], v), "rounds": list(v),
         "cpu": list(cpu.get(n, ()))}
        for n, v in values.items()
    ]  # fmt: skip
