"""The absolute demands of a gate: floors, ceilings, what must never happen, and how slow an answer may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from eval.baseline import Measured
from eval.counts import Count
from eval.gate_policy import Policy
from eval.gate_zero import Bound, Verdict, at_most, zeros
from eval.stats import interval
from eval.summary import ENOUGH, covered


def bounds(current: Measured, policy: Policy, counts: Sequence[Count] = ()) -> Iterator[Bound]:
    """Yield every absolute demand of the policy, in the order of its keys. What there is no data for at all cannot pass, whatever is said of inconclusive."""
    for name, floor in policy.floors.items():
        yield _level(current, name, "floor", floor, policy.level)
    for name, ceiling in policy.ceilings.items():
        yield _level(current, name, "ceiling", ceiling, policy.level)
    yield from zeros(current, policy, counts)
    if policy.latency_p95_ms is not None:
        yield _latency(current, policy.latency_p95_ms, policy.level)


def _level(current: Measured, name: str, kind: str, bound: float, level: float) -> Bound:
    """Hold the interval of a mean to a bound: it passes when all of it is on the right side, fails when none is."""
    scores = current.scores.get(name, {})
    values = {q: s.value for q, s in scores.items() if s.value is not None}
    if not values:
        return Bound(name, kind, bound, "not_comparable", "has no value in the run")
    found = interval(list(values.values()), [current.clusters[q] for q in values], level=level)
    above, below = found.low >= bound, found.high < bound
    good, bad = (above, below) if kind == "floor" else (found.high <= bound, found.low > bound)
    share = covered(len(values), Counter(s.reason for s in scores.values() if s.value is None))
    thin = share is not None and share < ENOUGH
    verdict: Verdict = "regressed" if bad else "pass" if good and not thin else "inconclusive"
    said = {"pass": "keeps", "regressed": "breaks", "inconclusive": "may break"}[verdict]
    few = f"; only {share:.1%} of its questions have a value, so it cannot pass" if thin and not bad else ""
    why = f"{said} its {kind} of {bound:g}: {found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]{few}"
    return Bound(name, kind, bound, verdict, why, found.mean, found.low, found.high, len(values))


def _latency(current: Measured, ceiling: float, level: float) -> Bound:
    """Hold the 95th percentile of the timed questions to a ceiling, and say how many slower ones so few could have missed."""
    timed = current.lock.get("latency") or {}
    p95 = timed.get("stages", {}).get("total", {}).get("p95")
    times = list(timed.get("questions", {}).values())
    if p95 is None or not times:
        return Bound("latency_p95_ms", "latency", ceiling, "not_comparable", "was not timed in the run")
    slow = sum(ms > ceiling for ms in times)
    most = at_most(slow, len(times), level)
    verdict: Verdict = "pass" if p95 <= ceiling else "regressed"
    why = f"is {p95:.1f} ms over {len(times)} timed questions; at most {ceiling:g} is allowed, and {slow} took longer"
    why += f" (with {level:.0%} confidence at most {most:.1%} of all do)"
    return Bound("latency_p95_ms", "latency", ceiling, verdict, why, float(p95), n=len(times))
