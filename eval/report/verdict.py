"""What the run says in plain words: who has the best first metric, and which others cannot be told from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eval.report.view import View, higher
from eval.summary import FEW_CLUSTERS

TIED, BEHIND, UNSURE, AHEAD, UNPAIRED = "cannot be told apart", "behind", "behind, not sure", "ahead on shared questions", "nothing to compare"
SURE = 0.05


@dataclass(frozen=True)
class Verdict:
    """The leader, and the other configurations by what their paired difference from it says, each best first."""

    leader: str
    metric: str
    higher: bool
    compared: int
    tied: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    uncompared: tuple[str, ...] = ()
    clusters: int = 0
    fastest: str = ""

    @property
    def few(self) -> bool:
        """Whether the interval rests on too few clusters to decide by."""
        return self.clusters < FEW_CLUSTERS


def verdict(view: View) -> Verdict | None:
    """Return the verdict of a run, None when no configuration has a value. Raises `StoreError` for a damaged folder."""
    if not (view.leader and view.first):
        return None
    up = higher(view.first)
    said = {n: say(row, up) for n, row in view.differences.items()}

    def those(what: str) -> tuple[str, ...]:
        return tuple(n for n in view.names if said.get(n) == what)

    tied = those(TIED)
    rest = tuple(n for n in view.names[1:] if said.get(n, UNPAIRED) == UNPAIRED)
    compared = sum(s != UNPAIRED for s in said.values())
    clusters = int(view.figure(view.leader, view.first).get("clusters", 0))
    return Verdict(view.leader, view.first, up, compared, tied, those(BEHIND), those(UNSURE), those(AHEAD), rest, clusters, _fastest(view, tied))


def say(row: Mapping[str, Any], up: bool) -> str:
    """Return what one paired difference (leader minus other) says; the interval decides, adjusted p only warns."""
    if not row["n"]:
        return UNPAIRED
    if row["low"] <= 0.0 <= row["high"]:
        return TIED
    if (row["delta"] > 0) != up:
        return AHEAD
    return BEHIND if row["p_adjusted"] < SURE else UNSURE


def _fastest(view: View, tied: tuple[str, ...]) -> str:
    """Return which of the leader and those tied with it has the lowest median latency, empty where any is not timed."""
    times = {n: view.latency(n, "p50") for n in (view.leader or "", *tied)}
    known = {n: t for n, t in times.items() if t is not None}
    return min(known, key=lambda n: known[n]) if tied and len(known) == len(times) else ""
