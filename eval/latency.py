"""How long a question takes: measured apart, with the memo off, on a sample of its own."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.questions import Question
from rag.errors import ChatError
from rag.index.store import Index
from rag.pipeline import Pipeline
from rag.scores import forget_terms
from rag.types import Step

SAMPLE = 15  # questions that are timed where nobody says how many
WARM = 1  # asked before the clock starts
ENOUGH, LEAST = 20.0, 5  # after so many seconds no more of those are asked, but at least so many

Track = Callable[[Sequence[Question]], Iterable[Question]]


def machine() -> str:
    """Return what kind of machine this is: times of another are not compared with its own."""
    return f"{platform.machine()}, {os.cpu_count()} cores"


def measure(pipeline: Pipeline, fresh: Index, questions: Sequence[Question], wanted: int | None = None, track: Track = iter) -> dict[str, Any]:
    """Return `{stages: {stage: {p50, p95}}, questions: {id: total ms}, sample, wanted, machine}` for evenly spread questions.

    `fresh` is the index, opened with a runtime of its own (`Runtime.unmemoised`), by all pipelines that share it. So many are asked as are
    `wanted`; without a number `SAMPLE`, fewer where that takes long. A question that a chat model fails on is left out. One is asked before
    the clock starts, which loads what is not loaded. `retrieve` includes embedding the query. A chat model is really asked, which may
    cost money. `track` is handed the questions and yields them, to show how far it is.
    """
    picks = sample(questions, wanted)
    times: dict[str, list[float]] = {}
    totals: dict[str, float] = {}
    for warm in picks[-WARM:]:
        timed(pipeline, fresh, warm)
    start = time.perf_counter()
    for question in track(picks):
        if wanted is None and len(totals) >= LEAST and time.perf_counter() - start > ENOUGH:
            break
        if (stages := timed(pipeline, fresh, question)) is None:
            continue
        totals[question.id] = round(sum(stages.values()), 3)
        for stage, ms in [*stages.items(), ("total", totals[question.id])]:
            times.setdefault(stage, []).append(ms)
    figures = {s: {"p50": round(float(np.percentile(v, 50)), 3), "p95": round(float(np.percentile(v, 95)), 3)} for s, v in times.items()}
    return {"stages": figures, "questions": totals, "sample": len(totals), "wanted": wanted, "machine": machine()}


def kept(path: Path, name: str) -> dict[str, Any] | None:
    """Return the times that a file holds under the key `name`, None where it is absent, other or damaged."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found if found.pop("key") == name else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def size(questions: int, wanted: int | None = None) -> int:
    """Return how many of so many questions are timed, at most."""
    return min(questions, SAMPLE if wanted is None else wanted)


def sample(questions: Sequence[Question], wanted: int | None = None) -> list[Question]:
    """Return the questions that are timed: evenly spread, and in an order in which those asked first are spread too."""
    picks = [questions[i] for i in sorted({round(x) for x in np.linspace(0, len(questions) - 1, size(len(questions), wanted))})]
    return [*picks[::3], *picks[1::3], *picks[2::3]]


def timed(pipeline: Pipeline, index: Index, question: Question) -> dict[str, float] | None:
    """Return the milliseconds of each stage with nothing remembered, None where the chat model failed."""
    index.runtime.forget()
    forget_terms()
    index.reader(pipeline).forget_chunks()
    try:
        return _stages(pipeline.ask(index, question.text).trace)
    except ChatError:
        return None


def _stages(trace: Sequence[Step]) -> dict[str, float]:
    found: dict[str, float] = {}
    for step in trace:
        found[step.stage] = found.get(step.stage, 0.0) + step.ms
    return found
