"""How long a question takes: measured apart, with the memo off, on a sample of its own."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.questions import Question
from rag.errors import ChatError
from rag.index.store import Index
from rag.pipeline import Pipeline
from rag.scores import forget_terms
from rag.types import Step

SAMPLE = 15
WARM = 1  # asked before the clock starts
ENOUGH, LEAST = 20.0, 5  # after so many seconds no more are asked, but at least so many questions


def measure(pipeline: Pipeline, fresh: Index, questions: Sequence[Question]) -> dict[str, Any]:
    """Return `{stages: {stage: {p50, p95}}, questions: {id: total ms}, sample, machine}` for evenly spread questions.

    `fresh` is the index, opened with a runtime of its own (`Runtime.unmemoised`), by all pipelines that share it. Fewer are asked where
    that takes long; a question that a chat model fails on is left out. One is asked before the clock starts, which loads what is not
    loaded. `retrieve` includes embedding the query. A chat model is really asked, which may cost money.
    """
    picks = sample(questions)
    times: dict[str, list[float]] = {}
    totals: dict[str, float] = {}
    for warm in picks[-WARM:]:
        timed(pipeline, fresh, warm)
    start = time.perf_counter()
    for question in picks:
        if len(totals) >= LEAST and time.perf_counter() - start > ENOUGH:
            break
        if (stages := timed(pipeline, fresh, question)) is None:
            continue
        totals[question.id] = round(sum(stages.values()), 3)
        for stage, ms in [*stages.items(), ("total", totals[question.id])]:
            times.setdefault(stage, []).append(ms)
    figures = {s: {"p50": round(float(np.percentile(v, 50)), 3), "p95": round(float(np.percentile(v, 95)), 3)} for s, v in times.items()}
    return {"stages": figures, "questions": totals, "sample": len(totals), "machine": f"{platform.machine()}, {os.cpu_count()} cores"}


def sample(questions: Sequence[Question]) -> list[Question]:
    """Return the questions that are timed: evenly spread, and in an order in which those asked first are spread too."""
    picks = [questions[i] for i in sorted({round(x) for x in np.linspace(0, len(questions) - 1, min(SAMPLE, len(questions)))})]
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
