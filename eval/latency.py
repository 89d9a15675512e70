"""How long a question takes: measured apart, with the memo off, on a sample of its own."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.questions import Question
from rag.index.store import Index
from rag.pipeline import Pipeline
from rag.types import Step

SAMPLE = 15


def measure(pipeline: Pipeline, index: Index, questions: Sequence[Question]) -> dict[str, Any]:
    """Return `{stages: {stage: {p50, p95}}, questions: {id: total ms}, sample, machine}` for evenly spread questions.

    Models are loaded and two questions asked before the clock starts. `retrieve` includes embedding the query.
    """
    picks = [questions[i] for i in sorted({round(x) for x in np.linspace(0, len(questions) - 1, min(SAMPLE, len(questions)))})]
    with Index.open(index.path, index.runtime.unmemoised()) as fresh:
        for warm in picks[:2]:
            pipeline.ask(fresh, warm.text)
        times: dict[str, list[float]] = {}
        totals = {}
        for question in picks:
            fresh.runtime.forget()
            fresh.reader(pipeline).forget_chunks()
            stages = _stages(pipeline.ask(fresh, question.text).trace)
            totals[question.id] = round(sum(stages.values()), 3)
            for stage, ms in [*stages.items(), ("total", totals[question.id])]:
                times.setdefault(stage, []).append(ms)
    figures = {s: {"p50": round(float(np.percentile(v, 50)), 3), "p95": round(float(np.percentile(v, 95)), 3)} for s, v in times.items()}
    return {"stages": figures, "questions": totals, "sample": len(picks), "machine": f"{platform.machine()}, {os.cpu_count()} cores"}


def _stages(trace: Sequence[Step]) -> dict[str, float]:
    found: dict[str, float] = {}
    for step in trace:
        found[step.stage] = found.get(step.stage, 0.0) + step.ms
    return found
