"""Who can be told from whom: every pair of the best configurations on the first metric, as one family of comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from eval.comparison import adjust
from eval.gate_policy import read_policy
from eval.report.verdict import AHEAD, BEHIND, TIED, UNPAIRED, UNSURE, say
from eval.report.view import View, higher, known
from eval.report.words import digits, number, probability
from rag.errors import ConfigError

MOST_PAIRED = 15
SELF = "self"
_OTHER_WAY = {BEHIND: "worse", UNSURE: "worse, not sure", TIED: "tied", UNPAIRED: "unpaired"}
_WAY = {BEHIND: "better", UNSURE: "better, not sure", TIED: "tied", UNPAIRED: "unpaired"}
MARKS = {"better": "\N{BLACK UP-POINTING TRIANGLE}", "worse": "\N{BLACK DOWN-POINTING TRIANGLE}",
    "better, not sure": "\N{WHITE UP-POINTING TRIANGLE}", "worse, not sure": "\N{WHITE DOWN-POINTING TRIANGLE}",
    "tied": "=", "unpaired": "", SELF: ""}  # fmt: skip


@dataclass(frozen=True)
class PairCell:
    """The row's configuration against the column's: what is said of it, the difference (row minus column) and its adjusted p."""

    says: str
    delta: str = ""
    p: str = ""

    @property
    def mark(self) -> str:
        """A sign that says the same without colour."""
        return MARKS[self.says]


@dataclass(frozen=True)
class Matrix:
    """All pairs of `names`, best first; `told` of `pairs` can be told apart, `left_out` configurations have a value and are not here."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[PairCell, ...]], ...]
    pairs: int
    told: int
    left_out: int


def matrix(view: View) -> Matrix | None:
    """Return every pair of the best `MOST_PAIRED` configurations with a value, p adjusted over all of them; None for fewer than three.

    The better of two is asked whether it is ahead by the rule of the verdict, in the direction that the difference has.
    """
    metric = view.first
    if not metric or not known(metric):
        return None
    valued = [n for n in view.names if view.values[n][metric]]
    names = tuple(valued[:MOST_PAIRED])
    if len(names) < 3:  # two are the one difference from the leader
        return None
    rows = {(a, b): view.pair(a, b, metric) for a, b in combinations(names, 2)}
    adjust(list(rows.values()))
    places, up = digits(view.figure(n, metric)["mean"] for n in names), higher(metric)

    def cell(a: str, b: str) -> PairCell:
        if a == b:
            return PairCell(SELF)
        return _cell(rows[a, b], 1, up, places) if (a, b) in rows else _cell(rows[b, a], -1, up, places)

    told = sum(_cell(r, 1, up, places).says in ("better", "worse") for r in rows.values())
    paired = sum(r["n"] > 0 for r in rows.values())
    return Matrix(names, tuple((a, tuple(cell(a, b) for b in names)) for a in names), paired, told, len(valued) - len(names))


def _cell(row: Mapping[str, Any], sign: int, up: bool, places: int) -> PairCell:
    """Return a comparison as seen from its first side (`sign` 1) or its second (-1)."""
    if not row["n"]:
        return PairCell("unpaired")
    said, ahead = say(row, up), sign > 0
    if said == AHEAD:  # the second side is better: the same rule, turned round
        said, ahead = say({**row, "delta": -row["delta"], "low": -row["high"], "high": -row["low"]}, up), not ahead
    words = _WAY if ahead else _OTHER_WAY
    return PairCell(words[said], number(sign * row["delta"], places, True), probability(row["p_adjusted"]))


def margin(metric: str) -> float | None:
    """Return how much worse the gate that ships lets a metric get, None for one that it has no margin for."""
    found = known(metric)
    try:
        return None if found is None else read_policy(None).margin(found)
    except ConfigError:
        return None
