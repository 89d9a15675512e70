"""The scores of another system's records: those of `eval.scoring`, with the reason of a missing score told more closely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from eval.metrics import Metric
from eval.metrics.ranking import Ranking, RankingAt
from eval.metrics.span import SpanMetric
from eval.outside_results import NO_ANSWER, ONLY_RANKED, Made
from eval.score import NOT_APPLICABLE, Score, because
from eval.scoring import score_results
from eval.task import Task
from rag.runtime import Runtime


def scores_of(made: Sequence[Made], task: Task, runtime: Runtime, name: str) -> list[Score]:
    """Return exactly one score per question and metric, question by question.

    A row that only ranks is scored by the ranking metrics, and the judge is not asked about it: the others do not apply.
    """
    whole, ranked = [m for m in made if not m.only_ranked], [m for m in made if m.only_ranked]
    found = _by_question(whole, task, runtime, name)
    few = replace(task, metrics=tuple(m for m in task.metrics if isinstance(m, (Ranking, RankingAt))))
    found |= _by_question(ranked, few, runtime, f"{name} rankings")
    return [score for m in made for score in _told(m, found, task)]


def _by_question(made: Sequence[Made], task: Task, runtime: Runtime, name: str) -> dict[tuple[str, str], Score]:
    questions = [m.row["question"] for m in made]
    scores = score_results(questions, [m.result or NO_ANSWER for m in made], task, runtime, name)
    return {(s.question, s.metric): s for s in scores}


def _told(made: Made, found: dict[tuple[str, str], Score], task: Task) -> Iterator[Score]:
    name = made.row["question"]
    for metric in task.metrics:
        score = found.get((name, metric.name))
        if score is None:
            yield Score(name, metric.name, None, because(NOT_APPLICABLE, ONLY_RANKED))
        elif made.unplaced and _needs_places(metric) and score.reason == NOT_APPLICABLE and task.asked[name].answerable:
            yield replace(score, why=because(NOT_APPLICABLE, made.unplaced))
        else:
            yield score


def _needs_places(metric: Metric) -> bool:
    return isinstance(metric, SpanMetric)
