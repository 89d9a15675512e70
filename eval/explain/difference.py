"""Where the difference between two configurations comes from: stage by stage, paired by question, and summing to the whole of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from eval.explain.explained import Explained, Explanation
from eval.explain.waterfall import ENDS
from eval.stats import holm, paired


def difference(a: Explanation, b: Explanation, clusters: Mapping[str, str]) -> dict[str, Any]:
    """Return by stage what A gains over B there: the points that B loses less those that A loses; together they are the whole difference.

    A stage that one side does not have loses nothing there. p is adjusted by Holm over the stages at which any question differs.
    `outcomes` is the number of questions by outcome on either side, with the interval of A minus B over documents and p adjusted over the
    outcomes that any question moves to or from; `moved` counts those whose outcome differs. Where no question is explained on both
    sides there are no figures.
    """
    left, right = _measured(a), _measured(b)
    names = sorted(left.keys() & right.keys())
    body: dict[str, Any] = {
        "a": a.config,
        "b": b.config,
        "measure": a.measure,
        "n": len(names),
        "only_a": len(left) - len(names),
        "only_b": len(right) - len(names),
    }
    if not names:
        return {**body, "total": None, "stages": [], "outcomes": [], "moved": []}
    groups = [clusters[n] for n in names]
    pairs = [(left[n], right[n]) for n in names]
    stages = _joined(a.stages, b.stages)
    rows = [{"stage": s, **_row([y.lost.get(s, 0.0) for _, y in pairs], [x.lost.get(s, 0.0) for x, _ in pairs], groups)} for s in stages]
    _adjust(rows)
    body["total"] = _row([x.left for x, _ in pairs], [y.left for _, y in pairs], groups)
    return {**body, "stages": rows, **_moves(pairs, stages, groups)}


def _measured(found: Explanation) -> dict[str, Explained]:
    return {q.question: q for q in found.questions if sum(q.lost.values()) + q.left > 0}


def _joined(a: Sequence[str], b: Sequence[str]) -> list[str]:
    """Return the stages of both in order: those that only B has come before the last, which is packing."""
    return [*a[:-1], *(s for s in b[:-1] if s not in a), a[-1]]


def _row(a: Sequence[float], b: Sequence[float], groups: Sequence[str]) -> dict[str, Any]:
    found = paired(a, b, groups)
    return {
        "delta": found.delta, "low": found.low, "high": found.high, "p": found.p, "p_adjusted": None,
        "wins": found.wins, "losses": found.losses, "ties": found.ties, "mde": found.mde,
    }  # fmt: skip


def _adjust(rows: Sequence[dict[str, Any]]) -> None:
    """Write p adjusted by Holm into the rows in which any question differs."""
    differing = [r for r in rows if r["wins"] or r["losses"]]
    for row, p in zip(differing, holm([r["p"] for r in differing]), strict=True):
        row["p_adjusted"] = p


def _moves(pairs: Sequence[tuple[Explained, Explained]], stages: Sequence[str], groups: Sequence[str]) -> dict[str, Any]:
    """Return how many questions have which outcome on either side, and from which to which they move from B to A."""
    moved = Counter((y.stage, x.stage) for x, y in pairs if x.stage != y.stage)
    outcomes = [_outcome(s, pairs, groups) for s in (*stages, *ENDS)]
    _adjust(outcomes)
    return {"outcomes": outcomes, "moved": [{"from": y, "to": x, "n": n} for (y, x), n in sorted(moved.items(), key=lambda m: (-m[1], m[0]))]}


def _outcome(stage: str, pairs: Sequence[tuple[Explained, Explained]], groups: Sequence[str]) -> dict[str, Any]:
    """Return on how many questions each side ends at a stage, and the difference of the counts: that of the shares times the questions there are."""
    a, b = ([float(side.stage == stage) for side in both] for both in zip(*pairs, strict=True))
    found = paired(a, b, groups)
    scaled = {name: round(len(pairs) * value, 9) + 0.0 for name, value in (("delta", found.delta), ("low", found.low), ("high", found.high))}
    return {"stage": stage, "a": int(sum(a)), "b": int(sum(b)), **scaled, "p": found.p, "p_adjusted": None, "wins": found.wins, "losses": found.losses}
