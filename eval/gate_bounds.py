"""The absolute demands of a gate: floors, ceilings, what must never happen, and how slow an answer may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from eval.baseline import Measured
from eval.gate_policy import Policy
from eval.metrics import parse
from eval.stats import interval

Verdict = Literal["pass", "regressed", "inconclusive", "not_comparable"]


@dataclass(frozen=True)
class Bound:
    """One absolute demand and what came of it."""

    metric: str
    kind: str
    bound: float
    verdict: Verdict
    why: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0


def bounds(current: Measured, policy: Policy) -> Iterator[Bound]:
    """Yield every absolute demand of the policy, in the order of its keys."""
    for name, floor in policy.floors.items():
        yield _level(current, name, "floor", floor, policy.level)
    for name, ceiling in policy.ceilings.items():
        yield _level(current, name, "ceiling", ceiling, policy.level)
    for name in policy.zero:
        yield _never(current, name, policy.level)
    if policy.latency_p95_ms is not None:
        yield _latency(current, policy.latency_p95_ms)


def _values(current: Measured, name: str) -> dict[str, float]:
    return {q: s.value for q, s in current.scores.get(name, {}).items() if s.value is not None}


def _level(current: Measured, name: str, kind: str, bound: float, level: float) -> Bound:
    """Hold the interval of a mean to a bound: it passes when all of it is on the right side, fails when none is."""
    values = _values(current, name)
    if not values:
        return Bound(name, kind, bound, "inconclusive", "has no value")
    found = interval(list(values.values()), [current.clusters[q] for q in values], level=level)
    above, below = found.low >= bound, found.high < bound
    good, bad = (above, below) if kind == "floor" else (found.high <= bound, found.low > bound)
    verdict: Verdict = "pass" if good else "regressed" if bad else "inconclusive"
    said = {"pass": "keeps", "regressed": "breaks", "inconclusive": "may break"}[verdict]
    why = f"{said} its {kind} of {bound:g}: {found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"
    return Bound(name, kind, bound, verdict, why, found.mean, found.low, found.high, len(values))


def _never(current: Measured, name: str, level: float) -> Bound:
    """Hold every question to the best value of a metric: one that has not got it is a regression, however many have."""
    values, metric = _values(current, name), parse(name)
    if not values:
        return Bound(name, "zero", 0.0, "inconclusive", "has no value")
    best = metric.range[1] if metric.higher_is_better else metric.range[0]
    wrong = [q for q, v in values.items() if v != best]
    most = at_most(len(wrong), len(values), level)
    if wrong:
        named = ", ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else "")
        return Bound(name, "zero", 0.0, "regressed", f"must be {best:g} everywhere and is not in {len(wrong)} of {len(values)}: {named}", n=len(values))
    why = f"is {best:g} in all {len(values)}: with {level:.0%} confidence it fails in at most {most:.2%} of such questions"
    return Bound(name, "zero", 0.0, "pass", why, 0.0, 0.0, most, len(values))


def at_most(failures: int, n: int, level: float) -> float:
    """Return the exact one-sided upper bound of a share (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv

    return 1.0 if failures >= n else float(betaincinv(failures + 1, n - failures, level))


def _latency(current: Measured, ceiling: float) -> Bound:
    """Hold the 95th percentile of the timed questions to a ceiling."""
    timed = current.lock["latency"]
    p95 = timed.get("stages", {}).get("total", {}).get("p95")
    if p95 is None:
        return Bound("latency_p95_ms", "latency", ceiling, "inconclusive", "was not timed")
    verdict: Verdict = "pass" if p95 <= ceiling else "regressed"
    why = f"is {p95:.1f} ms over {timed['sample']} timed questions; at most {ceiling:g} is allowed"
    return Bound("latency_p95_ms", "latency", ceiling, verdict, why, float(p95), n=int(timed["sample"]))
