"""The tables of the page as plain rows, every number already in words; the template only lays them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.report.verdict import say
from eval.report.view import View, higher
from eval.report.words import MOST_NAMED, digits, milliseconds, number, probability, reasons, span


@dataclass(frozen=True)
class Cell:
    """A mean with its interval; `coverage` is `scored/n` where that is not full, `title` says why and `value` is exact.

    `thin` says that too few of the questions it applies to have a value.
    """

    text: str
    interval: str = ""
    coverage: str = ""
    title: str = ""
    value: str = ""
    thin: bool = False


@dataclass(frozen=True)
class Row:
    """One configuration of the leaderboard."""

    name: str
    cells: tuple[Cell, ...]
    p50: str
    p95: str
    tokens: str


@dataclass(frozen=True)
class Missing:
    """Metrics that lack the same scores for the same reasons, numbered from 1."""

    number: int
    metrics: tuple[str, ...]
    why: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """The leader minus another configuration, paired by question."""

    name: str
    delta: str
    interval: str
    p: str
    wins: int
    losses: int
    ties: int
    n: int
    clusters: int
    detectable: str
    says: str


def leaderboard(view: View, metrics: Sequence[str]) -> tuple[Row, ...]:
    """Return one row per configuration, best first, with a cell per metric."""
    asked = max(int(view.summary["questions"]["n"]), 1)
    places = {m: digits(view.figure(n, m)["mean"] for n in view.names) for m in metrics}
    rows = []
    for name in view.names:
        tokens = view.configs[name].get("tokens")
        cells = tuple(_cell(view, name, m, places[m]) for m in metrics)
        p50, p95 = (milliseconds(view.latency(name, q)) for q in ("p50", "p95"))
        rows.append(Row(name, cells, p50, p95, number(None if tokens is None else tokens / asked, 0)))
    return tuple(rows)


def _cell(view: View, name: str, metric: str, places: int) -> Cell:
    figure = view.figure(name, metric)
    coverage = "" if figure["scored"] == figure["n"] else f"{figure['scored']}/{figure['n']}"
    title = reasons(figure["missing"])
    if figure["mean"] is None:
        return Cell(number(None), "", coverage, title)
    return Cell(
        number(figure["mean"], places), span(figure["low"], figure["high"], places), coverage, title, repr(figure["mean"]), not figure.get("covered", True)
    )


def bound(view: View, name: str, metric: str, places: int = 3) -> str:
    """Return the means if every lost score were the worst or the best there is, empty where none is lost or there is no such value."""
    figure = view.figure(name, metric)
    if not view.lost(name, metric) or figure.get("worst") is None or figure.get("best") is None:
        return ""
    low, high_ = sorted((figure["worst"], figure["best"]))
    return span(low, high_, places)


def missing(view: View) -> tuple[Missing, ...]:
    """Return why scores are missing, one entry for all metrics that miss them alike."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for metric in view.metrics:
        why = _why(view, metric)
        if why:
            groups.setdefault(why, []).append(metric)
    return tuple(Missing(i, tuple(metrics), why) for i, (why, metrics) in enumerate(groups.items(), 1))


def _why(view: View, metric: str) -> tuple[str, ...]:
    """Return a clause per reason: the count where all agree, by configuration where they do not, a range where they are many."""
    counts = {n: view.figure(n, metric)["missing"] for n in view.names}
    clauses = []
    for reason in sorted({r for c in counts.values() for r in c}):
        each = {n: c.get(reason, 0) for n, c in counts.items()}
        low, most = min(each.values()), max(each.values())
        if low == most:
            text = f"{reason} ({low}" + (" in every configuration)" if len(each) > 1 else ")")
        elif len(each) > MOST_NAMED:
            text = f"{reason} ({low} to {most} by configuration)"
        else:
            text = f"{reason} (" + ", ".join(f"{n} {c}" for n, c in each.items()) + ")"
        clauses.append(text)
    return tuple(clauses)


def corrected(view: View) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...], tuple[str, ...]]:
    """Return the metrics whose means a judge's known error can be taken out of, the rows of their raw and corrected means, and how or why not."""
    metrics = tuple(m for m in view.metrics if any(view.figure(n, m).get("corrected") for n in view.names))
    rows, ways = [], set()
    for name in view.names:
        cells = []
        for metric in metrics:
            figure = view.figure(name, metric)
            fixed = figure.get("corrected") or {"why": "no value"}
            ways.add(fixed.get("method") or fixed["why"])
            shown = number(None) if "why" in fixed else f"{number(fixed['value'])} ({span(fixed['low'], fixed['high'], 3)})"
            cells.append(f"{number(figure['mean'])} \u2192 {shown}")
        rows.append((name, tuple(cells)))
    return metrics, tuple(rows) if metrics else (), tuple(sorted(ways))


def bounds(view: View) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """Return the metrics that lost scores somewhere, and per configuration how far those could move each mean."""
    metrics = tuple(m for m in view.metrics if any(bound(view, n, m) for n in view.names))
    return metrics, tuple((n, tuple(bound(view, n, m) or "full" for m in metrics)) for n in view.names if metrics)


def differences(view: View) -> tuple[Difference, ...]:
    """Return the paired differences of the leader from each other configuration on the first metric, nearest first."""
    return difference_rows(view, view.first or "", view.differences)


def difference_rows(view: View, metric: str, found: Mapping[str, Mapping[str, Any]]) -> tuple[Difference, ...]:
    """Return what `View.against` gives for a metric in words, in the order of the leaderboard."""
    places = digits(r[k] for r in found.values() for k in ("delta", "low", "high"))
    up = higher(metric)
    rows = []
    for name in (n for n in view.names if n in found):
        r = found[name]
        interval = f"{number(r['low'], places, True)} to {number(r['high'], places, True)}" if r["n"] else number(None)
        delta, detectable = number(r["delta"], places, True), number(r["mde"], places)
        rows.append(
            Difference(name, delta, interval, probability(r["p_adjusted"]), r["wins"], r["losses"], r["ties"], r["n"], r["clusters"], detectable, say(r, up))
        )
    return tuple(rows)
