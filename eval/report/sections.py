"""The sections of a report that say what to make of a run: who can be told from whom, where each is strong, where questions are lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from eval.explain.text import words
from eval.report.difference_plot import difference_plot
from eval.report.fall_plot import fall_plot
from eval.report.losses import FOUND, Losses, losses
from eval.report.pairwise import MOST_PAIRED, margin, matrix
from eval.report.plots import MOST_DRAWN
from eval.report.slice_map import slice_map
from eval.report.tables import Difference, difference_rows
from eval.report.view import View, higher, known
from eval.report.words import listed, short

MOST_HEAD = 30  # characters of a name at the head of a column
MOST_PANELS = 4  # metrics whose differences are drawn, the first among them


@dataclass(frozen=True)
class Panel:
    """The differences from the leader on one metric: drawn for a wide page and for a narrow one (the first metric only), and as rows."""

    metric: str
    up: bool
    wide: Markup
    narrow: Markup
    margin: float | None
    rows: tuple[Difference, ...]

    @property
    def compared(self) -> int:
        """How many comparisons p is adjusted for."""
        return sum(r.n > 0 for r in self.rows)


def sections(view: View) -> dict[str, Any]:
    """Return what `sections.html.j2` shows. Raises `StoreError` for a damaged folder, `MissingExtra` without matplotlib."""
    found = losses(view)
    return {
        "panels_of_differences": _panels(view),
        "matrix": matrix(view),
        "slice_map": slice_map(view),
        "losses": found,
        "falls": tuple((one, fall_plot(one, f"fall{i}")) for i, one in enumerate(found[:2])),
        "loss_note": _note(view, found),
        "stage_words": {s.name: _asked_of(s.name) for one in found[:2] for s in one.stages},
        "most_differences": MOST_DRAWN,
        "most_paired": MOST_PAIRED,
        "heads": heads(view.names),
    }


def heads(names: Sequence[str]) -> dict[str, str]:
    """Return the names as heads of columns: long ones cut in the middle, with their place before them where two would look alike."""
    found = {n: short(n, MOST_HEAD) for n in names}
    often = Counter(found.values())
    return {n: text if often[text] == 1 else short(f"{rank}: {n}", MOST_HEAD) for rank, (n, text) in enumerate(found.items(), 1)}


def _panels(view: View) -> tuple[Panel, ...]:
    """Return the first metric and the next of the leaderboard on which anything can be compared."""
    metrics = [m for m in dict.fromkeys((view.first or "", *view.main)) if m and view.scored(m) and known(m)]
    found = []
    for i, metric in enumerate(metrics):
        against = view.differences if metric == view.first else view.against(metric, view.names[1:MOST_PAIRED])
        width = 760 if not i else 380
        wide = difference_plot(view, metric, against, f"gap{i}", width)
        if wide:
            narrow = difference_plot(view, metric, against, f"gap{i}n", 360) if not i else Markup("")
            found.append(Panel(metric, higher(metric), wide, narrow, margin(metric), difference_rows(view, metric, against)))
        if len(found) == MOST_PANELS:
            break
    return tuple(found)


def _asked_of(stage: str) -> str:
    return "found, and kept by the retriever and every refiner" if stage == FOUND else words(stage)


def _note(view: View, found: tuple[Losses, ...]) -> str:
    """Return in a sentence why search, fusion and refiners are not told apart for some configurations, empty where they are for all."""
    coarse = [one.name for one in found if not one.whole]
    if not coarse:
        return ""
    whys = dict.fromkeys(view.source.unexplained.get(n, view.source.why) for n in coarse)
    of = "" if len(coarse) == len(found) else f" for {listed(coarse)}"
    return f"Search, fusion and refiners are not told apart{of}: {'; '.join(w for w in whys if w) or 'the run was not replayed'}."
