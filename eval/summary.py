"""Scores to the figures of a configuration: the only place that averages."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from eval.correction import corrected
from eval.labelling import rests_on_verdicts
from eval.metrics import Metric, parse
from eval.questions import Question, cluster
from eval.score import NOT_APPLICABLE, Score
from eval.stats import interval

FEW_CLUSTERS = 20
ENOUGH = 0.95  # of the questions a metric applies to: with fewer values it is marked and decides nothing


def summarize(
    scores: Sequence[Score], questions: Sequence[Question], metrics: Sequence[Metric], certificate: Mapping[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    """Return per metric `{mean, low, high, scored, n, missing, clusters, coverage, covered, worst, best, marked}`.

    `low` and `high` are the 95 % interval of a bootstrap over the documents that the questions come from. `n` counts the
    questions the metric applies to or not; `missing` says why the others have no value. `worst` and `best` are the mean
    if every missing value that is not `not_applicable` were the worst or best the metric can give; None without bounds. `coverage` is
    the share of values among the questions that the metric applies to, None where it applies to none; `covered` says that it is enough.
    A metric that counts yes-no verdicts has `corrected` too: its mean without the error that the judge's `certificate` states.
    """
    clusters = {q.id: cluster(q) for q in questions}
    found: dict[str, dict[str, Any]] = {}
    of = defaultdict(list)
    for s in scores:
        of[s.metric].append(s)
    for metric in metrics:
        own = of[metric.name]
        values = {s.question: s.value for s in own if s.value is not None}
        missing = Counter(s.reason for s in own if s.value is None)
        body: dict[str, Any] = {"mean": None, "low": None, "high": None}
        if values:
            got = interval(list(values.values()), [clusters[q] for q in values])
            body = {"mean": got.mean, "low": got.low, "high": got.high}
        body |= {"scored": len(values), "n": len(own), "missing": dict(sorted(missing.items())), "clusters": len({clusters[q] for q in values})}
        lost = sum(n for why, n in missing.items() if why != NOT_APPLICABLE)
        coverage = covered(len(values), missing)
        body |= {"coverage": coverage, "covered": coverage is None or coverage >= ENOUGH}
        body |= _bounds(list(values.values()), lost, metric)
        if metric.correctable:
            rest = [rests_on_verdicts(s) for s in own if s.value is not None]
            body["corrected"] = corrected(list(values.values()), [clusters[q] for q in values], certificate, rest)
        body["marked"] = sum(1 for s in own if s.value is not None and s.why)
        found[metric.name] = body
    return found


def covered(scored: int, missing: Mapping[str, int]) -> float | None:
    """Return the share of values among the questions that a metric applies to, None where it applies to none; `missing` counts reasons."""
    applies = scored + sum(n for why, n in missing.items() if why != NOT_APPLICABLE)
    return scored / applies if applies else None


def _bounds(values: Sequence[float], lost: int, metric: Metric) -> dict[str, float | None]:
    low, high = metric.range
    if high is None or not values:
        return {"worst": None, "best": None}
    total, n = sum(values), len(values) + lost
    ends = ((total + lost * low) / n, (total + lost * high) / n)
    return dict(zip(("worst", "best"), ends if metric.higher_is_better else ends[::-1], strict=True))


def leaders(summary: Mapping[str, Any], metric: str) -> list[str]:
    """Return the names of configurations by a metric, best first; those without a value last."""
    configs = summary["configs"]
    sign = -1.0 if parse(metric).higher_is_better else 1.0
    return sorted(configs, key=lambda c: (configs[c]["metrics"][metric]["mean"] is None, sign * (configs[c]["metrics"][metric]["mean"] or 0.0), c))
