"""The absolute demands of a gate: floors, ceilings, what must never happen, and how slow an answer may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from eval.baseline import Measured
from eval.counts import Count
from eval.gate_policy import Policy
from eval.gate_zero import Bound, Verdict, at_least, at_most, trials_needed, zeros
from eval.stats import interval
from eval.summary import ENOUGH, covered


def bounds(current: Measured, policy: Policy, counts: Sequence[Count] = ()) -> Iterator[Bound]:
    """Yield every absolute demand of the policy, in the order of its keys. What there is no data for at all cannot pass, whatever is said of inconclusive."""
    for name, floor in policy.floors.items():
        yield _level(current, name, "floor", floor, policy.level)
    for name, ceiling in policy.ceilings.items():
        yield _level(current, name, "ceiling", ceiling, policy.level)
    yield from zeros(current, policy, counts)
    for percent, ceiling_ms in policy.latencies.items():
        yield _latency(current, percent, ceiling_ms, policy.level)


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


def _latency(current: Measured, percent: int, ceiling: float, level: float) -> Bound:
    """Hold a percentile of the time of a question to a ceiling: it is kept when the share of slower questions is at most the rest.

    That share is bounded exactly (Clopper and Pearson 1934), so what so few timed questions cannot show is inconclusive.
    """
    name, share = f"latency_p{percent}_ms", 1 - percent / 100
    timed = current.lock.get("latency") or {}
    point = timed.get("stages", {}).get("total", {}).get(f"p{percent}")
    times = list(timed.get("questions", {}).values())
    if point is None or not times:
        return Bound(name, "latency", ceiling, "not_comparable", "was not timed in the run")
    n, slow = len(times), sum(ms > ceiling for ms in times)
    low, high = at_least(slow, n, level), at_most(slow, n, level)
    verdict: Verdict = "pass" if high <= share else "regressed" if low > share else "inconclusive"
    why = f"is {point:.1f} ms over {n} timed questions; {slow} took longer than {ceiling:g}: with {level:.0%} confidence "
    why += f"at least {low:.1%} of all do" if verdict == "regressed" else f"at most {high:.1%} of all do"
    more = trials_needed(slow, share, level) - n if verdict == "inconclusive" else None
    why += f", and {share:.0%} may" + ("" if more is None else f"; needs {more:,} more questions timed, none of them slower")
    return Bound(name, "latency", ceiling, verdict, why, float(point), n=n, needs=more)
