"""The smallest difference that a question set can show, and how many questions smaller ones need."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import sqrt
from typing import Any

from eval.doctor.findings import Checked, Finding, Severity
from eval.doctor.past import Past, Values
from eval.doctor.subject import Subject
from eval.power import ALPHA, POWER, Spread, design_effect, detectable, needed, spread
from eval.questions import cluster

NAME = "power"
POINTS = (1, 3, 5, 10)  # hundredths
ASSUMED_SD = (0.1, 0.2, 0.3, 0.4)
ASSUMED_ICC = 0.1
COARSE = 0.1  # a set that shows nothing smaller is called coarse
_SAME = 1e-12


def check(subject: Subject, past: Past | None) -> Checked:
    """Return the table: measured from a run's paired differences, per metric; else for assumed spreads, and said to be assumed."""
    sizes = list(Counter(cluster(q) for q in subject.questions).values())
    n, k = sum(sizes), len(sizes)
    figures: dict[str, Any] = {"alpha": ALPHA, "power": POWER, "questions": n, "clusters": k, "points": list(POINTS)}
    if k < 2:
        return Checked([Finding(NAME, Severity.ERROR, f"{k} cluster: no difference can be tested", fix="ask about more documents")], figures)
    if past is not None and len(past.configs) > 1:
        metrics = {m.name: row for m, values in past.metrics.items() if (row := _measured(values, past, m.range))}
        figures |= {"measured": True, "metrics": metrics, "without_difference": [m.name for m in past.metrics if m.name not in metrics]}
        coarse = [name for name, row in metrics.items() if row["smallest"] > COARSE]
        found = _coarse(coarse, f"{', '.join(coarse)}: differences below {100 * COARSE:.0f} points are lost in the noise of this run") if coarse else []
        return Checked(found, figures)
    deff = design_effect(sizes, ASSUMED_ICC)
    rows = [_row(Spread(n, k, sd, ASSUMED_ICC, deff), 1.0) for sd in ASSUMED_SD]
    figures |= {"measured": False, "assumed_icc": ASSUMED_ICC, "deff": round(deff, 3), "rows": rows}
    middle = next(r for r in rows if r["sd"] == 0.3)
    if middle["smallest"] <= COARSE:
        return Checked((), figures)
    message = f"with a spread of 0.3, which is common, the set shows no difference below {100 * middle['smallest']:.0f} points (assumed; --run measures it)"
    return Checked(_coarse([], message), figures)


def _coarse(metrics: list[str], message: str) -> list[Finding]:
    return [Finding(NAME, Severity.WARNING, message, fix="add questions about other documents; the table says how many", facts={"metrics": metrics})]


def _row(found: Spread, scale: float) -> dict[str, Any]:
    """Return one line of the table; `scale` is the width of the metric's range, of which a point is a hundredth."""
    smallest = detectable(found.sd, found.n, found.clusters, found.deff)
    per = found.n / found.clusters
    return {
        "sd": round(found.sd, 4), "icc": None if found.icc is None else round(found.icc, 3), "deff": round(found.deff, 3),
        "n": found.n, "clusters": found.clusters, "smallest": round((smallest or 0.0) / scale, 4),
        "needed": {str(p): needed(p / 100 * scale, found.sd, per, found.deff) for p in POINTS},
    }  # fmt: skip


def _measured(values: Values, past: Past, bounds: tuple[float, float | None]) -> dict[str, Any] | None:
    """Return the line of a metric: that of the pair of configurations whose difference is found neither easily nor hardly; None without such a pair."""
    found: list[Spread] = []
    for a, b in combinations(sorted(values), 2):
        common = sorted(values[a].keys() & values[b].keys())
        differences = [values[a][q] - values[b][q] for q in common]
        if any(abs(d) > _SAME for d in differences):  # a pair without any difference is no pair of different systems
            one = spread(differences, [past.clusters[q] for q in common])
            found += [one] if one else []
    if not found:
        return None
    found.sort(key=lambda s: s.sd * sqrt(s.deff / s.n))
    scale = (bounds[1] or 1.0) - bounds[0]
    worst = found[-1]
    largest = detectable(worst.sd, worst.n, worst.clusters, worst.deff) or 0.0
    return {**_row(found[len(found) // 2], scale), "pairs": len(found), "largest": round(largest / scale, 4)}
