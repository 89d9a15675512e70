"""How the driver and a competitor's process talk: one JSON object a line, orders in, answers out. Imports nothing heavy."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

from eval.bench.peers.inputs import Inputs, read


class Competitor(ABC):
    """One way to do the work. What is not `index` or `search` is not timed."""

    packages: Sequence[str] = ()  # whose versions are noted

    def __init__(self, given: Inputs, folder: Path, options: Mapping[str, Any]) -> None:
        """Import, read and load what the work needs. `folder` is empty; `options["embed"]` says that passages are embedded with the model."""
        self.given, self.folder, self.options = given, folder, options
        self.live = bool(options.get("embed"))  # whether texts are embedded by the model or looked up

    def index(self) -> Mapping[str, Any]:
        """Index every passage; returns what there is to say about it."""
        return {}

    @abstractmethod
    def search(self, text: str) -> Sequence[Any]:
        """Return what is found for a question, best first, in the form the library gives."""

    def numbers(self, found: Sequence[Any]) -> list[int]:
        """Return the numbers of the passages found; not timed."""
        return [int(i) for i in found]

    def close(self) -> None:  # noqa: B027  # most have nothing open
        """Let go of files."""


def serve(make: Callable[[Inputs, Path, Mapping[str, Any]], Competitor], orders: BinaryIO | None = None) -> None:
    """Answer orders from standard input until it ends. Whatever the library prints goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        competitor: Competitor | None = None
        for line in orders or sys.stdin.buffer:
            order = json.loads(line)
            if order["do"] == "load":
                competitor = make(read(Path(order["inputs"])), Path(order["folder"]), order["options"])
                answer: dict[str, Any] = {"packages": versions(competitor.packages)}
            elif competitor is None:
                answer = {"failed": "nothing is loaded"}
            else:
                answer = obey(competitor, order)
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
        if competitor is not None:
            competitor.close()


def obey(competitor: Competitor, order: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to an order `index` or `search`."""
    if order["do"] == "index":
        gc.collect()
        start = time.perf_counter()
        said = competitor.index()
        return {"seconds": time.perf_counter() - start, **said}
    competitor.live = bool(order["live"])
    spent, found = [], []
    for n in order["queries"]:
        text = competitor.given.queries[n]
        start = time.perf_counter()
        hits = competitor.search(text)
        spent.append(1000 * (time.perf_counter() - start))
        found.append(competitor.numbers(hits))
    return {"ms": spent, "found": found}


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def fused(rankings: Sequence[Sequence[int]], limit: int, k: float = 60.0) -> list[int]:
    """Return reciprocal rank fusion of rankings, for competitors that have none of their own; ties by number."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, i in enumerate(ranking, 1):
            scores[i] = scores.get(i, 0.0) + 1 / (k + rank)
    return sorted(scores, key=lambda i: (-scores[i], i))[:limit]
