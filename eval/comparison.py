"""The paired comparison of two configurations, metric by metric, on the questions that both have a value for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval.metrics.base import Metric
from eval.score import Score
from eval.stats import Paired, holm, paired


def compare(
    a: str,
    scores_a: Iterable[Score],
    b: str,
    scores_b: Iterable[Score],
    clusters: Mapping[str, str],
    metrics: Sequence[Metric],
    seed: int = 0,
    draws: int = 10_000,
) -> dict[str, Any]:
    """Return what `rag-eval compare --json` prints: per metric `delta` (the mean of a - b), its interval and test.

    `clusters` gives each question's cluster. Wins are questions where a is better, so for a metric that is better
    lower they have the smaller value; `delta` keeps its sign. `lost` counts questions that could not be paired: without
    a value in `a` alone, in `b` alone, in `both`. `p_adjusted` is Holm's over these metrics. Where nothing pairs, `n`
    is 0 and the figures are None.
    """
    left, right = _by_metric(scores_a), _by_metric(scores_b)
    entries = {m.name: _entry(m, left.get(m.name, {}), right.get(m.name, {}), clusters, seed, draws) for m in metrics}
    tested = [name for name, entry in entries.items() if entry["p"] is not None]
    adjusted = dict(zip(tested, holm([entries[name]["p"] for name in tested]), strict=True))
    for name, entry in entries.items():
        entry["p_adjusted"] = adjusted.get(name)
    return {"a": a, "b": b, "metrics": entries}


def _by_metric(scores: Iterable[Score]) -> dict[str, dict[str, float | None]]:
    """Return metric -> question -> value."""
    found: dict[str, dict[str, float | None]] = {}
    for score in scores:
        found.setdefault(score.metric, {})[score.question] = score.value
    return found


def _entry(metric: Metric, a: Mapping[str, float | None], b: Mapping[str, float | None], clusters: Mapping[str, str], seed: int, draws: int) -> dict[str, Any]:
    lost = {"a": 0, "b": 0, "both": 0}
    names: list[str] = []
    left: list[float] = []
    right: list[float] = []
    for question in sorted(a.keys() | b.keys()):
        x, y = a.get(question), b.get(question)
        if x is not None and y is not None:
            names.append(question)
            left.append(x)
            right.append(y)
        else:
            lost["both" if x is None and y is None else "a" if x is None else "b"] += 1
    if not names:
        return {**dict.fromkeys(("delta", "low", "high", "p", "mde")), "wins": 0, "losses": 0, "ties": 0, "n": 0, "clusters": 0, "lost": lost}
    found = paired(left, right, [clusters[name] for name in names], seed, draws)
    return {**_figures(found, metric.higher_is_better), "lost": lost}


def _figures(found: Paired, higher_is_better: bool) -> dict[str, Any]:
    wins, losses = (found.wins, found.losses) if higher_is_better else (found.losses, found.wins)
    return {
        "delta": found.delta,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "wins": wins,
        "losses": losses,
        "ties": found.ties,
        "n": found.n,
        "clusters": found.clusters,
        "mde": found.mde,
    }
