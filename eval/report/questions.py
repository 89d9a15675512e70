"""The table of questions as the page's script reads it: texts, tags, every metric's value or reason, and the stage that lost the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.records import read_jsonl, read_scores
from eval.report.pool import short, size
from eval.report.view import View, higher, reading
from eval.score import Score
from rag.shell import clean

Scores = Mapping[str, Mapping[str, Mapping[str, Score]]]  # by configuration, question and metric


@dataclass(frozen=True)
class Table:
    """`data` goes on the page; `asked` are the rows of the questions in it, in its order; `notes` say what had to be left out."""

    data: Mapping[str, Any]
    asked: tuple[Mapping[str, Any], ...]
    metrics: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_all(view: View) -> Scores:
    """Return every score of a run. Raises `StoreError` for a missing or damaged file."""
    found: dict[str, dict[str, dict[str, Score]]] = {}
    for name in view.names:
        own = found.setdefault(name, {})
        with reading(f"{name}/scores.jsonl", view.folder):
            for score in read_scores(view.folder / name):
                own.setdefault(score.question, {})[score.metric] = score
    return found


def table(view: View, scores: Scores, most: int) -> Table:
    """Return the table; where it would take more than `most` bytes only with the leaderboard's metrics, then with fewer questions."""
    with reading("questions.jsonl", view.folder):
        asked = tuple(read_jsonl(view.folder / "questions.jsonl"))
        metrics, notes = list(view.metrics), []
        data = _data(view, scores, asked, metrics)
        if (taken := size(data)) > most and len(view.main) < len(metrics):
            metrics = [m for m in dict.fromkeys((view.first or view.main[0], *view.main)) if m in metrics]
            notes.append(f"the table has {len(metrics)} of {len(view.metrics)} metrics")
            data = _data(view, scores, asked, metrics)
            taken = size(data)
        if taken > most:
            kept = asked[: max(1, int(len(asked) * most / taken * 0.95))]
            notes.append(f"the table has the first {len(kept):,} of {len(asked):,} questions")
            asked, data = kept, _data(view, scores, kept, metrics)
    return Table(data, asked, tuple(metrics), tuple(notes))


def _data(view: View, scores: Scores, asked: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> dict[str, Any]:
    ids = [r["question"] for r in asked]
    tags = list(dict.fromkeys(t for r in asked for t in r["tags"]))
    reasons: dict[str, int] = {}
    values = [[[_value(scores[n].get(q, {}).get(m), reasons) for q in ids] for m in metrics] for n in view.names]
    rows = [[clean(r["question"]), clean(r["text"]), [tags.index(t) for t in r["tags"]], int(r["answerable"])] for r in asked]
    return {
        "configs": [clean(n) for n in view.names], "metrics": [clean(m) for m in metrics], "higher": [int(higher(m)) for m in metrics],
        "first": metrics.index(view.first) if view.first in metrics else 0, "tags": [clean(t) for t in tags], "questions": rows,
        "values": values, "reasons": list(reasons), **_stages(view, ids),
    }  # fmt: skip


def _value(score: Score | None, reasons: dict[str, int]) -> float | str | None:
    """Return a value, the number of the reason for none as text, or None for what was not measured."""
    if score is None or score.value is not None:
        return None if score is None or score.value is None else short(score.value)
    return str(reasons.setdefault(score.reason, len(reasons)))


def _stages(view: View, ids: Iterable[str]) -> dict[str, Any]:
    """Return the names of the stages, pipeline order first, and by configuration that of each question: None where nothing is said of it."""
    from eval.explain.waterfall import ENDS

    explained = view.source.explained
    order = dict.fromkeys(s for e in explained.values() for s in e.stages)
    if order:  # a stage that only some configurations have stands before the packer too
        order = dict.fromkeys([*(s for s in order if s != "pack"), "pack", *ENDS])
    names = list(order)
    found = []
    for config in view.names:
        own = {q.question: names.index(q.stage) for q in explained[config].questions} if config in explained else {}
        found.append([own.get(q) for q in ids] if own else None)
    return {"stages": names, "stage": found}
