"""Questions that tell no configurations apart: all get them right, or all get them wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eval.doctor.findings import Checked, Finding, Severity
from eval.doctor.past import Past, Values
from eval.metrics import Metric

NAME = "saturation"
WARN, MENTION = 0.8, 0.5  # share of the questions
_SHOWN = 10
_SAME = 1e-9


def check(past: Past) -> Checked:
    """Return per metric the share of questions that every configuration gets fully right or fully wrong, and those that none gets anything right of."""
    rows = {m.name: _shares(m, values, len(past.configs)) for m, values in past.metrics.items()}
    figures = {"configs": len(past.configs), "metrics": {n: {k: v for k, v in r.items() if k != "sets"} for n, r in rows.items()}}
    if len(past.configs) < 2:
        return Checked([Finding(NAME, Severity.NOTE, "the run has one configuration: nothing can be said about which questions tell some apart")], figures)
    return Checked([*_findings(rows), *_lost(past, rows)], figures)


def _shares(metric: Metric, values: Values, configs: int) -> dict[str, Any]:
    low, high = metric.range
    best, worst = (high, low) if metric.higher_is_better else (low, high)
    every = [set(v) for v in values.values()]
    common = sorted(set.intersection(*every)) if len(every) == configs else []
    right = [q for q in common if all(abs(v[q] - (best or 0.0)) < _SAME for v in values.values())]
    wrong = [q for q in common if all(abs(v[q] - (worst or 0.0)) < _SAME for v in values.values())]
    n = len(common)
    shares = {"right": round(len(right) / n, 3) if n else None, "wrong": round(len(wrong) / n, 3) if n else None}
    return {"n": n, **shares, "sets": (set(common), set(right), set(wrong))}


def _findings(rows: Mapping[str, dict[str, Any]]) -> Iterator[Finding]:
    for name, row in rows.items():
        same = (row["right"] or 0.0) + (row["wrong"] or 0.0)
        if same < MENTION:
            continue
        message = f"{name}: every configuration gets {row['right']:.0%} of {row['n']} questions fully right and {row['wrong']:.0%} fully wrong: these tell nothing apart"
        severity = Severity.WARNING if same >= WARN else Severity.NOTE
        facts = {"metric": name, "right": row["right"], "wrong": row["wrong"], "n": row["n"]}
        yield Finding(NAME, severity, message, fix="look at another metric, or add questions of middle difficulty", facts=facts)


def _lost(past: Past, rows: Mapping[str, dict[str, Any]]) -> Iterator[Finding]:
    """Yield the questions that every configuration gets fully wrong by every metric that has a value: their labels deserve a look."""
    lost = sorted(
        q for q in past.clusters if any(q in r["sets"][0] for r in rows.values()) and all(q in r["sets"][2] for r in rows.values() if q in r["sets"][0])
    )
    if lost:
        shown = ", ".join(lost[:_SHOWN]) + (f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else "")
        message = f"{len(lost)} questions that no configuration gets anything right of, by any metric: {shown}"
        yield Finding(NAME, Severity.WARNING, message, fix="read them: such questions are often labelled wrong", facts={"questions": lost})
