"""The scores of a run, question by question, for checks that learn from what systems really did."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.metrics import Metric, parse
from eval.pairs import clusters
from eval.questions import Question
from eval.records import read_scores
from rag.errors import RagError, StoreError

Values = Mapping[str, Mapping[str, float]]  # configuration -> question -> value


@dataclass(frozen=True)
class Past:
    """The values of a run by metric, and the cluster of each question; `foreign` counts questions of the run that the set does not have."""

    configs: tuple[str, ...]
    metrics: Mapping[Metric, Values]
    clusters: Mapping[str, str]
    foreign: int


def read_past(folder: Path, questions: Sequence[Question]) -> Past:
    """Return the scores that a run has for these questions, of metrics with bounds. Raises `StoreError` where there is no such run."""
    try:
        configs = tuple(json.loads((folder / "summary.json").read_text(encoding="utf-8"))["configs"])
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{folder}: there is no finished run; make one with `rag-eval run ... --out {folder}`") from None
    try:
        scores = {c: read_scores(folder / c) for c in configs}
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(
            f"{folder}: its scores cannot be read, or another version wrote them; make the run again with `rag-eval run ... --out {folder}`"
        ) from None
    groups = clusters(folder)
    known = {q.id for q in questions} & groups.keys()
    if not known:
        raise StoreError(f"{folder}: the run asked none of these questions; give the questions it was made with")
    found: dict[str, dict[str, dict[str, float]]] = {}
    for config, rows in scores.items():
        for row in rows:
            if row.value is not None and row.question in known:
                found.setdefault(row.metric, {}).setdefault(config, {})[row.question] = row.value
    return Past(configs, _bounded(found), {q: groups[q] for q in known}, len(groups.keys() - known))


def _bounded(found: Mapping[str, Values]) -> dict[Metric, Values]:
    """Return the values of metrics that this version knows and whose range has two ends."""
    kept: dict[Metric, Values] = {}
    for name, values in found.items():
        try:
            metric = parse(name)
        except RagError:
            continue  # a plugin that is not installed here
        if metric.range[1] is not None:
            kept[metric] = values
    return kept
