"""The paired comparison of two configurations, metric by metric and tag by tag, on the questions that both have a value for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval.metrics.base import Metric
from eval.score import Score
from eval.stats import Paired, holm, paired
from eval.summary import ENOUGH, FEW_CLUSTERS, covered

NO_ROW = "no_row"  # the reason of a question that one side has no score of at all
FEW_DIFFER = 6  # with fewer questions that differ no sign-flip test reaches .05: 2 / 2**5 = .0625
_FIGURES = ("delta", "low", "high", "p", "mde", "effect", "superiority")
Rows = Mapping[str, Score]


def compare(
    a: str, scores_a: Iterable[Score], b: str, scores_b: Iterable[Score], clusters: Mapping[str, str], metrics: Sequence[Metric],
    seed: int = 0, draws: int = 10_000, tags: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return what `rag-eval compare --json` prints: per metric `delta` (the mean of a - b), its interval and test.

    `clusters` gives each question's cluster. Wins are questions where a is better, so for a metric that is better lower they have the
    smaller value; `delta` and `effect` (delta in standard deviations of the differences) keep their sign, `superiority` is the share of
    wins minus that of losses. `lost` counts questions that could not be paired: without a value in `a` alone, in `b` alone, in `both`;
    `missing` says why per side, and `coverage` is the share of values among the questions that the metric applies to. Where nothing
    pairs, `n` is 0 and the figures are None. `few_clusters`, `few_differences` and not `covered` mark what nothing should be decided on.

    With `tags` of questions, `slices` holds the same by tag, tags of every question left out. `p_adjusted` is Holm's over all that is in
    the body: `family` says over what.
    """
    left, right = _by_metric(scores_a), _by_metric(scores_b)
    parts = _parts(tags or {}, sorted({q for side in (left, right) for rows in side.values() for q in rows}))

    def entries(chosen: frozenset[str] | None) -> dict[str, Any]:
        return {m.name: _entry(m, _of(left, m, chosen), _of(right, m, chosen), clusters, seed, draws) for m in metrics}

    body: dict[str, Any] = {"a": a, "b": b, "metrics": entries(None)}
    if tags is not None:
        body["slices"] = {tag: entries(chosen) for tag, chosen in parts.items()}
    shown = [body["metrics"], *body.get("slices", {}).values()]
    tested = adjust([entry for part in shown for entry in part.values()])
    body["family"] = {"tests": tested, "metrics": len(metrics), "slices": len(parts), "method": "Holm"}
    return body


def adjust(entries: Sequence[dict[str, Any]]) -> int:
    """Write `p_adjusted` into the entries of one family, None where nothing was tested, and return how many were."""
    tested = [entry for entry in entries if entry["p"] is not None]
    for entry in entries:
        entry["p_adjusted"] = None
    for entry, p in zip(tested, holm([entry["p"] for entry in tested]), strict=True):
        entry["p_adjusted"] = p
    return len(tested)


def _by_metric(scores: Iterable[Score]) -> dict[str, dict[str, Score]]:
    """Return metric -> question -> score."""
    found: dict[str, dict[str, Score]] = {}
    for score in scores:
        found.setdefault(score.metric, {})[score.question] = score
    return found


def _of(side: Mapping[str, Rows], metric: Metric, chosen: frozenset[str] | None) -> Rows:
    rows = side.get(metric.name, {})
    return rows if chosen is None else {q: s for q, s in rows.items() if q in chosen}


def _parts(tags: Mapping[str, Sequence[str]], questions: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return the questions of each tag, tags with the most first; what every question has is no part."""
    found: dict[str, set[str]] = {}
    for question in questions:
        for tag in tags.get(question, ()):
            found.setdefault(tag, set()).add(question)
    order = sorted(found, key=lambda tag: (-len(found[tag]), tag))
    return {tag: frozenset(found[tag]) for tag in order if len(found[tag]) < len(questions)}


def _entry(metric: Metric, a: Rows, b: Rows, clusters: Mapping[str, str], seed: int, draws: int) -> dict[str, Any]:
    lost = {"a": 0, "b": 0, "both": 0}
    asked = sorted(a.keys() | b.keys())
    both: list[tuple[str, float, float]] = []
    for question in asked:
        x, y = (side[question].value if question in side else None for side in (a, b))
        if x is not None and y is not None:
            both.append((question, x, y))
        else:
            lost["both" if x is None and y is None else "a" if x is None else "b"] += 1
    missing = {"a": _missing(a, asked), "b": _missing(b, asked)}
    coverage = {side: covered(len(asked) - sum(why.values()), why) for side, why in missing.items()}
    rest: dict[str, Any] = {"higher_is_better": metric.higher_is_better}
    rest |= {"lost": lost, "missing": missing, "coverage": coverage, "covered": all(c is None or c >= ENOUGH for c in coverage.values())}
    if not both:
        return {**dict.fromkeys(_FIGURES), "wins": 0, "losses": 0, "ties": 0, "n": 0, "clusters": 0, "few_clusters": False, "few_differences": False, **rest}
    found = paired([x for _, x, _ in both], [y for _, _, y in both], [clusters[q] for q, _, _ in both], seed, draws)
    return {**_figures(found, metric.higher_is_better), **rest}


def _missing(side: Rows, asked: Sequence[str]) -> dict[str, int]:
    """Return why how many of the questions have no value on a side."""
    reasons = (side[q].reason if q in side else NO_ROW for q in asked if q not in side or side[q].value is None)
    return dict(sorted(Counter(reasons).items()))


def _figures(found: Paired, higher_is_better: bool) -> dict[str, Any]:
    wins, losses = (found.wins, found.losses) if higher_is_better else (found.losses, found.wins)
    return {
        "delta": found.delta, "low": found.low, "high": found.high, "p": found.p, "mde": found.mde,
        "effect": found.effect, "superiority": (wins - losses) / found.n,
        "wins": wins, "losses": losses, "ties": found.ties, "n": found.n, "clusters": found.clusters,
        "few_clusters": found.clusters < FEW_CLUSTERS, "few_differences": 0 < wins + losses < FEW_DIFFER,
    }  # fmt: skip
