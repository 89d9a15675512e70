"""The heat map of slices: the first metric by tag and configuration, with the difference from the leader on the same questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from eval.report.kinds import UNTAGGED
from eval.report.view import View, higher
from eval.report.words import digits, number
from eval.summary import FEW_CLUSTERS

MOST_TAGS, MOST_COLUMNS = 40, 15
EVERY = "all questions"
LITTLE = 1e-12
Values = Mapping[str, float]


@dataclass(frozen=True)
class SliceCell:
    """A mean and its paired difference from the leader; `heat` is 0 to 100 (by the root, so that small ones show), `way` is `gain`, `loss` or empty.

    `note` says where fewer questions have a value than in the slice, or are shared with the leader; `few` that they come from too few
    clusters although the slice does not.
    """

    text: str
    change: str = ""
    heat: int = 0
    way: str = ""
    note: str = ""
    few: bool = False


@dataclass(frozen=True)
class Slice:
    """The questions of a tag that some column has a value for."""

    name: str
    n: int
    clusters: int
    cells: tuple[SliceCell, ...]


@dataclass(frozen=True)
class SliceMap:
    """The slices to decide by and the small ones, the largest first; what is left out is counted."""

    metric: str
    columns: tuple[str, ...]
    large: tuple[Slice, ...]
    small: tuple[Slice, ...]
    tags_left_out: int
    columns_left_out: int
    most: str


def slice_map(view: View) -> SliceMap | None:
    """Return the map of a run, None where no question has a tag or none a value. Colours are scaled by the slices that are large enough."""
    metric = view.first
    if not metric or not any(q["tags"] for q in view.questions):
        return None
    valued = [n for n in view.names if view.values[n][metric]]
    if not valued:
        return None
    columns = tuple(valued[:MOST_COLUMNS])
    values = {n: view.values[n][metric] for n in columns}
    groups = _groups(view, frozenset(q for v in values.values() for q in v))
    found = [_measured(view, name, members, values) for name, members in groups]
    tags = found[1:]
    shown = [found[0], *tags[:MOST_TAGS]]
    firm = [abs(d) for s in shown if s.clusters >= FEW_CLUSTERS for d in s.changes if d is not None]
    most = max(firm, default=0.0) or max((abs(d) for s in shown for d in s.changes if d is not None), default=0.0)
    places = digits(m for s in shown for m in s.means)
    slices = [_drawn(s, most, places, higher(metric)) for s in shown]
    large = tuple(s for s in slices if s.clusters >= FEW_CLUSTERS)
    small = tuple(s for s in slices if s.clusters < FEW_CLUSTERS)
    return SliceMap(metric, columns, large, small, len(tags) - len(shown) + 1, len(valued) - len(columns), number(most, places))


@dataclass(frozen=True)
class _Measured:
    """A slice before it is put in words: per column the mean, the difference, the questions with a value, those shared with the leader and their clusters."""

    name: str
    n: int
    clusters: int
    means: tuple[float | None, ...]
    changes: tuple[float | None, ...]
    sizes: tuple[int, ...]
    shared: tuple[int, ...]
    spread: tuple[int, ...]


def _groups(view: View, valued: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    """Return all questions, then those of each tag, most questions first; every tag of a question counts, a tag of all of them does not."""
    found: dict[str, set[str]] = {}
    for q in view.questions:
        for tag in q["tags"] or (UNTAGGED,):
            found.setdefault(tag, set()).add(q["question"])
    parts = {tag: frozenset(members & valued) for tag, members in found.items()}
    order = sorted((t for t, members in parts.items() if 0 < len(members) < len(valued)), key=lambda t: (-len(parts[t]), t))
    return [(EVERY, valued), *((t, parts[t]) for t in order)]


def _measured(view: View, name: str, members: frozenset[str], values: Mapping[str, Values]) -> _Measured:
    own = {n: sorted(q for q in members if q in v) for n, v in values.items()}
    means = tuple(_mean([values[n][q] for q in rows]) for n, rows in own.items())
    leader = values[next(iter(values))]
    both = {n: [q for q in rows if q in leader] for n, rows in own.items()}
    changes = [_mean([values[n][q] - leader[q] for q in rows]) for n, rows in both.items()]
    changes[0] = None  # the leader itself
    sizes, shared = (tuple(len(rows) for rows in of.values()) for of in (own, both))
    spread = tuple(len({view.clusters[q] for q in rows}) for rows in both.values())
    return _Measured(name, len(members), len({view.clusters[q] for q in members}), means, tuple(changes), sizes, shared, spread)


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _drawn(s: _Measured, most: float, places: int, up: bool) -> Slice:
    cells: list[SliceCell] = []
    for mean, change, size, shared, clusters in zip(s.means, s.changes, s.sizes, s.shared, s.spread, strict=True):
        notes = [f"n = {size}"] * (size != s.n) + [f"{shared} shared"] * (shared != size)
        note, few = ", ".join(notes), size > 0 and s.clusters >= FEW_CLUSTERS > clusters
        if change is None:
            cells.append(SliceCell(number(mean, places), note=note, few=few))
            continue
        way = "" if abs(change) < LITTLE else "gain" if (change > 0) == up else "loss"
        heat = round(100 * sqrt(min(1.0, abs(change) / most))) if way else 0
        cells.append(SliceCell(number(mean, places), number(change, places, True), heat, way, note, few))
    return Slice(s.name, s.n, s.clusters, tuple(cells))
