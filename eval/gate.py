"""Holds a run against a baseline: non-inferiority per metric, absolute bounds, and a verdict that says when nothing can be said.

With differences turned so that higher is better: a metric passes when the lower end of the interval of its paired difference is at
least minus its margin, has regressed when the upper end is below that, and is inconclusive in between (two one-sided tests at half of one
minus the level each; Schuirmann 1987). Missing data fails closed: a metric that too few questions have a value for cannot pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from eval.baseline import MAY_DIFFER, MUST_MATCH, Measured
from eval.counts import Count
from eval.gate_bounds import bounds
from eval.gate_judge import Widened, widened
from eval.gate_policy import Policy
from eval.gate_zero import Bound, Verdict, unnamed
from eval.metrics import parse
from eval.metrics.base import Metric
from eval.power import needed, spread
from eval.score import Score
from eval.stats import paired
from eval.summary import ENOUGH, FEW_CLUSTERS, covered
from rag.fingerprint import key

WORST: tuple[Verdict, ...] = ("not_comparable", "regressed", "inconclusive", "pass")
EXIT = {"pass": 0, "regressed": 1, "inconclusive": 3, "not_comparable": 4}
COULD_NOT_RUN = 5


@dataclass(frozen=True)
class Check:
    """One thing that was held against the policy.

    `delta`, `low` and `high` are turned so that higher is better; `baseline` and `current` are means as they are. `kind` is
    `difference`, `floor`, `ceiling`, `zero` or `latency`; `why` says in words what decided.
    """

    metric: str
    verdict: Verdict
    why: str
    kind: str = "difference"
    baseline: float | None = None
    current: float | None = None
    delta: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    needs_questions: int | None = None
    n: int = 0
    clusters: int = 0
    lost: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Gate:
    """All checks, the verdict over them, what differs between baseline and run, and the counts that the policy does not name."""

    verdict: Verdict
    checks: tuple[Check, ...]
    differs: tuple[str, ...] = ()
    why: str = ""
    unnamed: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the gate in the form of the contract."""
        body: dict[str, Any] = {"verdict": self.verdict, "why": self.why, "differs": list(self.differs), "unnamed": list(self.unnamed)}
        return {**body, "checks": [asdict(c) for c in self.checks]}

    def exit_code(self, policy: Policy) -> int:
        """Return 0 to pass, 1 regressed, 3 inconclusive (0 where the policy lets that pass), 4 not comparable."""
        return 0 if self.verdict == "inconclusive" and policy.on_inconclusive != "fail" else EXIT[self.verdict]


def gate(current: Measured, baseline: Measured, policy: Policy, certificate: Mapping[str, Any] | None = None, counts: Sequence[Count] = ()) -> Gate:
    """Return the verdict on a run. `certificate` is that of the judge, when it is certified: its error widens the intervals."""
    extra = unnamed(policy, counts)
    differs = tuple(k for k in MAY_DIFFER if key(current.lock.get(k)) != key(baseline.lock.get(k)))
    other = [k for k in MUST_MATCH if key(current.lock.get(k)) != key(baseline.lock.get(k))]
    if other:
        why = f"measured with different {' and '.join(other)}: run both with the same, or accept a new baseline"
        return Gate("not_comparable", (), differs, why, extra)
    names = policy.metrics or tuple(m for m in baseline.lock["metrics"] if m in current.lock["metrics"])
    checks = [_difference(parse(name), current, baseline, policy, certificate) for name in names]
    checks += [_bounded(b) for b in bounds(current, policy, counts)]
    if not checks:
        return Gate("not_comparable", (), differs, "baseline and run have no metric in common", extra)
    verdict = next(v for v in WORST if any(c.verdict == v for c in checks))
    return Gate(verdict, tuple(checks), differs, "; ".join(f"{c.metric} {c.why}" for c in checks if c.verdict == verdict != "pass"), extra)


def _bounded(b: Bound) -> Check:
    return Check(b.metric, b.verdict, b.why, b.kind, current=b.value, low=b.low, high=b.high, margin=b.bound, n=b.n, needs_questions=b.needs)


def _difference(metric: Metric, current: Measured, baseline: Measured, policy: Policy, certificate: Mapping[str, Any] | None) -> Check:
    name, margin = metric.name, policy.margin(metric)
    sides = {"the baseline": baseline, "the run": current}
    if lacking := [side for side, m in sides.items() if name not in m.lock["metrics"]]:
        return Check(name, "not_comparable", f"was not measured in {' and '.join(lacking)}", margin=margin)
    if key(current.lock["metrics"][name]) != key(baseline.lock["metrics"][name]):
        return Check(name, "not_comparable", "is of another version than in the baseline; accept a new one", margin=margin)
    pairs = _paired(baseline.scores.get(name, {}), current.scores.get(name, {}))
    scored = {side: _coverage(m.scores.get(name, {})) for side, m in sides.items()}
    if not pairs.both:
        return Check(name, "inconclusive", "no question has a value on both sides", margin=margin, lost=pairs.lost)
    old, new = ([v[i] for v in pairs.both.values()] for i in (0, 1))
    groups = [current.clusters[q] for q in pairs.both]
    sign = 1.0 if metric.higher_is_better else -1.0
    found = paired([sign * v for v in new], [sign * v for v in old], groups, level=policy.level)
    interval = widened(found.delta, found.low, found.high, certificate if metric.correctable else None)
    check = Check(
        name, "pass", "", "difference", sum(old) / len(old), sum(new) / len(new), interval.delta, interval.low, interval.high, margin,
        n=found.n, clusters=found.clusters, lost=pairs.lost,
    )  # fmt: skip
    more = _more([sign * (b - a) for a, b in pairs.both.values()], groups, margin, interval.scale)
    return _decided(check, interval, margin, scored, more)


@dataclass(frozen=True)
class _Pairs:
    both: dict[str, tuple[float, float]]
    lost: dict[str, int]


def _paired(old: Mapping[str, Score], new: Mapping[str, Score]) -> _Pairs:
    both: dict[str, tuple[float, float]] = {}
    lost = {"baseline": 0, "current": 0}
    for question in sorted(old.keys() | new.keys()):
        a, b = (side[question].value if question in side else None for side in (old, new))
        if a is not None and b is not None:
            both[question] = (a, b)
        elif a is None and b is not None:
            lost["baseline"] += 1
        elif a is not None:
            lost["current"] += 1
    return _Pairs(both, lost)


def _coverage(scores: Mapping[str, Score]) -> float:
    """Return the share of values among the questions that the metric applies to, 1 where it applies to none."""
    missing = Counter(s.reason for s in scores.values() if s.value is None)
    share = covered(len(scores) - missing.total(), missing)
    return 1.0 if share is None else share


def _decided(check: Check, interval: Widened, margin: float, scored: Mapping[str, float], more: int | None) -> Check:
    """Return the check with its verdict: the interval decides, and what it rests on may take a pass back."""
    low, high = interval.low, interval.high
    shown = f"{interval.delta:+.3f} [{low:+.3f}, {high:+.3f}], margin {margin:g}{interval.note}"
    thin = [f"only {share:.1%} of its questions have a value in {side}" for side, share in scored.items() if share < ENOUGH]
    if high < -margin and check.clusters > 1:  # one document says nothing about others
        return replace(check, verdict="regressed", why=f"is worse: {shown}")
    if low >= -margin and not thin and check.clusters >= FEW_CLUSTERS:
        return replace(check, why=f"is not worse: {shown}")
    if thin:
        return replace(check, verdict="inconclusive", why=f"{' and '.join(thin)}, so it cannot pass: {shown}")
    if check.clusters < FEW_CLUSTERS:
        return replace(check, verdict="inconclusive", why=f"rests on {check.clusters} documents, and below {FEW_CLUSTERS} nothing passes: {shown}")
    return replace(check, verdict="inconclusive", why=f"could be worse: {shown}; {_wanted(more)}", needs_questions=more)


def _more(differences: list[float], groups: list[str], margin: float, scale: float) -> int | None:
    """Return how many questions beyond those there are would let no change at all pass with 80 % power, None when nobody can say."""
    found = spread(differences, groups)
    if found is None or margin <= 0:
        return None
    return max(1, needed(margin, found.sd * scale, found.n / found.clusters, found.deff) - found.n)


def _wanted(more: int | None) -> str:
    return "more questions would not help: the margin is 0" if more is None else f"needs about {more:,} more questions"
