"""Results to scores: exactly one per question and metric, several questions at once where the judge can take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from eval.judges.base import Ahead, Judge
from eval.metrics import Metric
from eval.questions import Question
from eval.records import result
from eval.score import ANSWER_FAILED, Result, Score, because
from eval.task import Task
from rag.runtime import Runtime

BLOCK = 64  # questions that a judge reads ahead


def score(rows: Sequence[Mapping[str, Any]], task: Task, latency: Mapping[str, float], runtime: Runtime, name: str) -> list[Score]:
    """Return the scores of rows of `answers.jsonl`, question by question; a row that failed has its reason for every metric."""
    found = [row["failed"] if "failed" in row else result(row, task.texts, latency.get(row["question"]), task.ages) for row in rows]
    return score_results([row["question"] for row in rows], found, task, runtime, name)


def score_results(questions: Sequence[str], results: Sequence[Result | str], task: Task, runtime: Runtime, name: str) -> list[Score]:
    """Return exactly one score per question and metric, question by question.

    `questions` are ids; a result that is a text says why no answer came of its question. The order is that of the questions however
    many are judged at once.
    """
    pairs = [(task.asked[q], r) for q, r in zip(questions, results, strict=True)]
    scored = runtime.track(_each(pairs, task.metrics, task.judge), f"score {name}", len(pairs))
    with task.judge.together():
        return [score for row in scored for score in row]


def _each(pairs: Sequence[tuple[Question, Result | str]], metrics: Sequence[Metric], judge: Judge) -> Iterator[list[Score]]:
    if judge.threads == 1:
        asks = any(m.needs_judge for m in metrics)
        for start in range(0, len(pairs), BLOCK):
            block = pairs[start : start + BLOCK]
            if asks:
                judge.ahead([_ahead(question, found) for question, found in block if isinstance(found, Result)])
            yield from (_scores(question, found, metrics, judge) for question, found in block)
        return
    with ThreadPoolExecutor(judge.threads, thread_name_prefix="judge") as pool:
        try:
            yield from pool.map(lambda pair: _scores(pair[0], pair[1], metrics, judge), pairs)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)  # what is under way is paid for: it is finished and kept
            raise


def _ahead(question: Question, found: Result) -> Ahead:
    texts = [found.answer] if found.answer.strip() and not found.abstained else []
    return Ahead(question.text, (*texts, *question.answers[:1]), found.sources)


def _scores(question: Question, found: Result | str, metrics: Sequence[Metric], judge: Judge) -> list[Score]:
    if isinstance(found, str):
        return [Score(question.id, m.name, None, because(ANSWER_FAILED, found)) for m in metrics]
    return [m.score(question, found, judge) for m in metrics]
