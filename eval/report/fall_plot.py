"""The waterfall of one configuration: from all questions down, stage by stage, to those that were answered rightly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from eval.explain.answered import RIGHT
from eval.explain.waterfall import ENDS
from eval.report.labels import width
from eval.report.losses import Losses
from eval.report.plots import at_edge, plain
from eval.report.svg import ACCENT, GRID, INK, MUTED, SIZE, element, figure
from eval.report.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, ROW, RIGHT_EDGE = 460, 26, 86
ALL = "all questions"


def fall_plot(found: Losses, name: str) -> Markup:
    """Return the waterfall as bars, one row per stage, with the number and the share of questions at the right."""
    texts = [ALL, *(short(s.name, 28) for s in found.stages)]
    left, high = min(0.5 * WIDE, 14 + max(width(t, SIZE) for t in texts)), 34 + ROW * len(texts)
    with figure(WIDE, high) as fig:
        axes = fig.add_axes((left / WIDE, 28 / high, 1 - (left + RIGHT_EDGE) / WIDE, 1 - 32 / high))
        _frame(axes, found.n, len(texts))
        _bar(axes, 0, 0, found.n, GRID, str(found.n))
        before = found.n
        for row, stage in enumerate(found.stages, 1):
            after = before - stage.n
            colour = INK if stage.name == RIGHT else MUTED if stage.name in ENDS else ACCENT
            axes.plot([before, before], [row - 0.65, row + 0.35], color=MUTED, linewidth=0.8, zorder=1)
            _bar(axes, row, after, stage.n, colour, f"{stage.n} ({100 * stage.n / found.n:.0f} %)")
            before = after
        axes.set_yticks(range(len(texts)), texts)
        return element(fig, name, _says(found), "plot", f"{short(found.name, 60)}: where questions were lost")


def _frame(axes: Axes, n: int, rows: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(0, n)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 2.5, 5, 10]))
    plain(axes)
    axes.grid(axis="x", color=GRID, linewidth=0.8, zorder=0)


def _bar(axes: Axes, row: int, start: int, length: int, colour: str, text: str) -> None:
    if length:
        axes.barh([row], [length], left=[start], height=0.7, color=colour, linewidth=0, zorder=2)
    at_edge(axes, row, text, INK, RIGHT_EDGE)


def _says(found: Losses) -> str:
    each = ", ".join(f"{s.name} {s.n}" for s in found.stages)
    return f"Of {found.n} answerable questions, each counted at the first stage that lost evidence of it, else by its answer: {each}."
