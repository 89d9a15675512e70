"""Milliseconds of a pipeline and of variants of it, timed in turn, so that what else the machine does comes to all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from eval.grid import groups, open_shared
from eval.latency import ENOUGH, LEAST, sample, timed
from eval.questions import Question
from eval.task import Task
from rag.index.store import Index
from rag.pipeline import Pipeline
from rag.runtime import Runtime

Ask = Callable[[Question], float | None]
Pair = tuple[float, float]


def in_turn(
    full: Ask, variants: Mapping[str, Ask], questions: Sequence[Question], clock: Callable[[], float] = time.perf_counter
) -> dict[str, dict[str, Pair]]:
    """Return by variant and question the milliseconds of the whole and of the variant, asked one right after the other.

    Which of the two goes first alternates from question to question, so that a machine that gets slower or faster adds as much to
    either. Each is asked twice without being timed first. No new question is begun after `ENOUGH` seconds for each variant, but at
    least `LEAST` are asked; one that fails on either side has no pair.
    """
    for ask in (full, *variants.values()):
        for question in questions[:2]:
            ask(question)
    found: dict[str, dict[str, Pair]] = {name: {} for name in variants}
    start = clock()
    for i, question in enumerate(questions):
        if i >= LEAST and clock() - start > ENOUGH * len(variants):
            break
        for j, (name, variant) in enumerate(variants.items()):
            ours, theirs = _pair(full, variant, question, (i + j) % 2 == 0)
            if ours is not None and theirs is not None:
                found[name][question.id] = (ours, theirs)
    return found


def _pair(full: Ask, variant: Ask, question: Question, whole_first: bool) -> tuple[float | None, float | None]:
    if whole_first:
        ours = full(question)
        return ours, variant(question)
    theirs = variant(question)
    return full(question), theirs


def timings(full: str, pipelines: Mapping[str, Pipeline], task: Task, runtime: Runtime) -> dict[str, dict[str, Pair]]:
    """Return what `in_turn` does for the pipeline called `full` and each of the others, with nothing remembered, on the questions that a run times."""
    with ExitStack() as stack:
        asks: dict[str, Ask] = {}
        for names in groups(pipelines):
            with open_shared([pipelines[n] for n in names], task.documents, task.corpus_digest, runtime) as shared:
                path = shared.path
            fresh = stack.enter_context(Index.open(path, runtime.unmemoised()))
            asks |= {n: _asking(pipelines[n], fresh) for n in names}
        return in_turn(asks[full], {n: a for n, a in asks.items() if n != full}, sample(task.questions))


def _asking(pipeline: Pipeline, index: Index) -> Ask:
    def ask(question: Question) -> float | None:
        stages = timed(pipeline, index, question)
        return None if stages is None else sum(stages.values())

    return ask
