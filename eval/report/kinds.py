"""Means by question kind, the first tag of a question: where a configuration is strong and where it is weak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.report.view import View
from eval.report.words import count, digits, number
from eval.summary import FEW_CLUSTERS

MOST_KINDS, MOST_ROWS = 12, 24
UNTAGGED = "no tag"
Group = tuple[str, frozenset[str]]


@dataclass(frozen=True)
class Kind:
    """A column: the questions of one kind that the metric has a value for in some configuration."""

    name: str
    n: int
    clusters: int

    @property
    def few(self) -> bool:
        """Whether too few clusters are behind the column to decide by."""
        return self.clusters < FEW_CLUSTERS


@dataclass(frozen=True)
class KindCell:
    """The mean of one configuration on one kind; `heat` is 0 to 100 over the table; `n` is given where it is not the column's."""

    text: str
    heat: int = 0
    n: int | None = None
    few: bool = False


@dataclass(frozen=True)
class KindTable:
    """One metric by kind."""

    metric: str
    kinds: tuple[Kind, ...]
    rows: tuple[tuple[str, tuple[KindCell, ...]], ...]


def kind_tables(view: View) -> tuple[KindTable, ...]:
    """Return a table per metric of the leaderboard that has values, the first metric first; none where no question has a tag."""
    if not any(q["tags"] for q in view.questions):
        return ()
    metrics = dict.fromkeys(m for m in (view.first or "", *view.main) if m and view.scored(m))
    return tuple(_table(view, m) for m in metrics)


def _groups(view: View) -> list[Group]:
    """Return the questions of each kind, most frequent first; beyond `MOST_KINDS` the rest is one group."""
    found: dict[str, set[str]] = {}
    for q in view.questions:
        found.setdefault(q["tags"][0] if q["tags"] else UNTAGGED, set()).add(q["question"])
    order = sorted(found, key=lambda k: (-len(found[k]), k))
    groups = [(k, frozenset(found[k])) for k in order[:MOST_KINDS]]
    if order[MOST_KINDS:]:
        groups.append((count(len(order) - MOST_KINDS, "other kind"), frozenset().union(*(found[k] for k in order[MOST_KINDS:]))))
    return groups


def _table(view: View, metric: str) -> KindTable:
    clusters = {q["question"]: q["cluster"] for q in view.questions}
    values = {n: view.values[n][metric] for n in view.names}  # all of them: a column is of questions that any has a value for
    valued = frozenset().union(*values.values())
    groups = [(k, members & valued) for k, members in _groups(view) if members & valued]
    kinds = tuple(Kind(k, len(members), len({clusters[q] for q in members})) for k, members in groups)
    means = {n: [_mean(values[n], members) for _, members in groups] for n in view.names[:MOST_ROWS]}
    flat = [m for row in means.values() for m in row if m is not None]
    low, span, places = min(flat, default=0.0), max(flat, default=0.0) - min(flat, default=0.0), digits(flat)

    def cell(name: str, kind: Kind, members: frozenset[str], mean: float | None) -> KindCell:
        own = [q for q in members if q in values[name]]
        few = bool(own) and not kind.few and len({clusters[q] for q in own}) < FEW_CLUSTERS
        heat = round(100 * (mean - low) / span) if mean is not None and span else 0
        return KindCell(number(mean, places), heat, None if len(own) == kind.n else len(own), few)

    rows = tuple((n, tuple(cell(n, k, g[1], m) for k, g, m in zip(kinds, groups, means[n], strict=True))) for n in view.names[:MOST_ROWS])
    return KindTable(metric, kinds, rows)


def _mean(values: Mapping[str, float], members: frozenset[str]) -> float | None:
    own: Sequence[float] = [values[q] for q in sorted(members) if q in values]
    return sum(own) / len(own) if own else None
