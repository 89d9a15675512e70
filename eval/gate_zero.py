"""What must never happen: metrics that must be at their best everywhere, and counts of failures that must be 0, with exact binomial bounds.

The bounds (Clopper and Pearson 1934) hold for trials that are independent of each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eval.baseline import Measured
from eval.counts import OF_A_RUN, Count, code
from eval.gate_policy import Policy
from eval.metrics import parse
from eval.score import NOT_APPLICABLE
from eval.summary import FEW_CLUSTERS
from rag.errors import ConfigError
from rag.fingerprint import key

Verdict = Literal["pass", "regressed", "inconclusive", "not_comparable"]


@dataclass(frozen=True)
class Bound:
    """One absolute demand and what came of it; `needs` is how many more trials would decide it."""

    metric: str
    kind: str
    bound: float
    verdict: Verdict
    why: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    needs: int | None = None


def zeros(current: Measured, policy: Policy, counts: Sequence[Count]) -> Iterator[Bound]:
    """Yield what came of every name under `zero`: of a metric from the run, of a count from its file, without which nothing passes."""
    by_name = {c.name: c for c in counts}
    for name, most in policy.zero.items():
        if name in policy.zero_metrics:
            yield _metric(current, name, most, policy.level)
        elif name in by_name:
            yield _count(by_name[name], current.lock, most, policy.level)
        else:
            yield Bound(name, "zero", 0.0, "not_comparable", f"has no count: give its file with --counts ({_no_metric(name)})")


def unnamed(policy: Policy, counts: Sequence[Count]) -> tuple[str, ...]:
    """Return a line for each count that the policy does not name, which therefore decides nothing."""
    return tuple(f"{c.name}: {c.failures} of {c.trials}, counted by {c.made_by}; the policy does not name it" for c in counts if c.name not in policy.zero)


def _no_metric(name: str) -> str:
    try:
        parse(name)
    except ConfigError as error:
        return str(error).split("; there are:", 1)[0]
    return "it is a metric too"


def _metric(current: Measured, name: str, most: float, level: float) -> Bound:
    """Hold every question to the best value of a metric: one that has not got it is a regression, however many have."""
    metric, scores = parse(name), current.scores.get(name, {})
    values = {q: s.value for q, s in scores.items() if s.value is not None}
    lost = sum(1 for s in scores.values() if s.value is None and s.reason != NOT_APPLICABLE)
    best = metric.range[1] if metric.higher_is_better else metric.range[0]
    wrong = [q for q, v in values.items() if v != best]
    if wrong:
        return Bound(
            name, "zero", 0.0, "regressed", f"must be {best:g} everywhere and is not in {len(wrong)} of {len(values)}: {_listed(wrong)}", n=len(values)
        )
    if not values:
        return Bound(name, "zero", 0.0, "not_comparable", "has no value in the run")
    if lost:
        return Bound(name, "zero", 0.0, "inconclusive", f"has no value in {lost} of {len(values) + lost} questions it applies to", n=len(values))
    groups = len({current.clusters[q] for q in values})
    return _decided(name, len(values), groups, f"is {best:g} in all {len(values)}", ("questions", "documents"), most, level)


def _count(count: Count, lock: Mapping[str, Any], most: float, level: float) -> Bound:
    if why := _elsewhere(count, lock):
        return Bound(count.name, "zero", 0.0, "not_comparable", why, n=count.trials)
    if count.failures:
        low, high = at_least(count.failures, count.trials, level), at_most(count.failures, count.trials, level)
        named = f": {_listed(count.failed, count.failures)}" if count.failed else ""
        why = f"must never happen and did in {count.failures} of {count.trials}{named}"
        return Bound(count.name, "zero", 0.0, "regressed", why, count.failures / count.trials, low, high, count.trials)
    beside = f" ({count.note})" if count.note else ""
    return _decided(count.name, count.trials, count.trials, f"never happened in {count.trials}{beside}", ("trials", "trials"), most, level)


def _elsewhere(count: Count, lock: Mapping[str, Any]) -> str:
    """Return why a count says nothing about a run, "" where it does. A version alone ties it to nothing: it stays while code changes."""
    here = {k: lock[k] if isinstance(lock[k], str) else key(lock[k]) for k in OF_A_RUN if k in lock} | {"code": code()}
    tied = {k: v for k, v in count.ran_on.items() if k in (*OF_A_RUN, "code")}
    if other := [k for k, v in tied.items() if here.get(k) != v]:
        return f"was counted with another {' and '.join(other)} than the run; count again"
    return "" if tied.keys() - {"package"} else "names nothing under ran_on that ties it to the run, such as its corpus; count again"


def _decided(name: str, n: int, groups: int, seen: str, units: tuple[str, str], most: float, level: float) -> Bound:
    """Return the demand as kept where enough were tried and the upper bound is at most what the policy allows to remain unseen."""
    high, (unit, group) = at_most(0, n, level), units
    why = f"{seen}: with {level:.0%} confidence it fails in at most {high:.2%} of such {unit}, if they are independent"
    if groups < FEW_CLUSTERS:
        why = f"{why}; rests on {groups} {group}, and below {FEW_CLUSTERS} nothing passes"
        return Bound(name, "zero", 0.0, "inconclusive", why, 0.0, 0.0, high, n, max(FEW_CLUSTERS - groups, trials_needed(0, most, level) - n))
    if high <= most:
        return Bound(name, "zero", 0.0, "pass", why, 0.0, 0.0, high, n)
    more = trials_needed(0, most, level) - n
    return Bound(name, "zero", 0.0, "inconclusive", f"{why}, and at most {most:.2%} is demanded; needs about {more:,} more {unit}", 0.0, 0.0, high, n, more)


def _listed(names: Sequence[str], total: int | None = None) -> str:
    rest = (len(names) if total is None else total) - len(names[:3])
    return ", ".join(names[:3]) + (f" and {rest} more" if rest > 0 else "")


def at_most(failures: int, n: int, level: float) -> float:
    """Return the exact one-sided upper bound of a share (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv

    return 1.0 if failures >= n else float(betaincinv(failures + 1, n - failures, level))


def at_least(failures: int, n: int, level: float) -> float:
    """Return the exact one-sided lower bound of a share (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv

    return 0.0 if failures <= 0 else float(betaincinv(failures, n - failures + 1, 1 - level))


def trials_needed(failures: int, share: float, level: float) -> int:
    """Return the fewest trials, with so many failures, whose exact upper bound is at most a share (above 0)."""
    low, high = failures, failures + 1
    while at_most(failures, high, level) > share:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at_most(failures, middle, level) > share else (low, middle)
    return high
