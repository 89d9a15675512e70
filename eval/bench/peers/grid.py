"""Runs the work `grid`: twelve configurations on the handbook, first as a loop that shares nothing, then as this project does it, twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.bench.peers import inputs
from eval.bench.peers.figures import figure, ratios
from eval.bench.peers.process import OWN_PYTHON, REPOSITORY, Failed, Process, script
from rag.models.files import BUNDLED, locate

NAIVE, FIRST, SECOND, SAME = "naive loop", "first run", "second run", "second run, same process"
CHOSEN = {
    NAIVE: "for each configuration its own index, embeddings, answers and scores; models opened once",
    FIRST: "eval.runner.run with an empty cache; models opened before, as for the loop",
    SECOND: "the same again in a fresh process, its start and imports included",
    SAME: "the same again in the same process",
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
    configurations = 0
    for n in range(rounds):
        first = _timed(folder, f"own-{n}", options, 2)
        values[FIRST].append(first[0]["seconds"])
        values[SAME].append(first[1]["seconds"])
        start = time.perf_counter()
        _timed(folder, f"own-{n}", {**options, "warm": False}, 1)
        values[SECOND].append(time.perf_counter() - start)
        say(f"round {n + 1} of {rounds}: {FIRST} {values[FIRST][-1]:.1f} s, {SECOND} {values[SECOND][-1]:.2f} s")
        naive = _timed(folder, f"naive-{n}", {**options, "naive": True}, 1)
        values[NAIVE].append(naive[0]["seconds"])
        configurations = naive[0]["chunks"]
        say(f"round {n + 1} of {rounds}: {NAIVE} {values[NAIVE][-1]:.1f} s")
        check(naive[0]["parts"], first[0]["parts"])
    return {"unit": "seconds", "inputs": {"configurations": configurations, "questions": questions, "rounds": rounds}, "rows": rows(values), "failed": {}}


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


def rows(values: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """Return a row for each way, with how many times as fast as the naive loop it was."""
    return [
        {"name": n, "role": "ours", "keeps": "disk", "chosen": CHOSEN[n], "mode": "", "value": figure(v), "ratio": ratios(values[NAIVE], v), "rounds": list(v)}
        for n, v in values.items()
    ]
