"""The plot of differences from the leader: a dot and its interval per configuration, the zero line, and the margin of the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from eval.report.labels import width
from eval.report.pairwise import margin
from eval.report.plots import MOST_DRAWN, at_edge, names, plain
from eval.report.svg import ACCENT, GRID, INK, MUTED, PAPER, SIZE, element, figure
from eval.report.verdict import SURE, TIED, say
from eval.report.view import View, higher
from eval.report.words import digits, number, probability, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RIGHT = 76  # pixels for the p-values
Rows = Mapping[str, Mapping[str, Any]]


def difference_plot(view: View, metric: str, found: Rows, name: str, wide: int) -> Markup:
    """Return the differences of `View.against` drawn in the order of the leaderboard, `wide` pixels wide; empty where none is paired."""
    drawn = [n for n in view.names if n in found and found[n]["n"]][:MOST_DRAWN]
    if not drawn:
        return Markup("")
    texts = names(drawn)
    left = min(0.5 * wide, 14 + max(width(t, SIZE) for t in texts.values()))
    high = 62 + 24 * len(drawn)
    with figure(wide, high) as fig:
        axes = fig.add_axes((left / wide, 34 / high, 1 - (left + RIGHT) / wide, 1 - 56 / high))
        _frame(axes, metric, [found[n] for n in drawn], wide - left - RIGHT)
        for row, n in enumerate(drawn):
            _row(axes, row, found[n], higher(metric))
        axes.set_yticks(range(len(drawn)), [texts[n] for n in drawn])
        at_edge(axes, -0.9, "p, adjusted", MUTED, RIGHT)
        return element(fig, name, _says(view, metric, {n: found[n] for n in drawn}), "plot", f"{short(metric, 60)}: differences from the leader")


def _frame(axes: Axes, metric: str, rows: list[Mapping[str, Any]], wide: float) -> None:
    """Set the scale so that zero, every interval and the margin are in it, and draw the lines at zero and at the margin."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    allowed = margin(metric)
    line = None if allowed is None else allowed if higher(metric) else -allowed
    ends = [0.0, *(float(r[k]) for r in rows for k in ("low", "high")), *([] if line is None else [line])]
    pad = 0.06 * (max(ends) - min(ends)) or 1e-3
    axes.set_xlim(min(ends) - pad, max(ends) + pad)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(max(3, int(wide / 70)), steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v, _places(axes), sign=True)))
    plain(axes)
    axes.grid(axis="x", color=GRID, linewidth=0.8, zorder=0)
    axes.axvline(0.0, color=INK, linewidth=1.4, zorder=1)
    if line:
        axes.axvline(line, color=MUTED, linewidth=1.4, linestyle=(0, (5, 4)), zorder=1)


def _places(axes: Axes) -> int:
    """Return the fewest decimals that tell the ticks apart."""
    ticks = axes.get_xticks()
    step = abs(float(ticks[1] - ticks[0])) if len(ticks) > 1 else 1.0
    return next((d for d in range(6) if abs(round(step, d) - step) < 1e-9 * max(step, 1.0)), 6)


def _row(axes: Axes, row: int, found: Mapping[str, Any], up: bool) -> None:
    said = say(found, up)
    sure = said != TIED and found["p_adjusted"] < SURE
    colour = ACCENT if sure else MUTED
    axes.plot([found["low"], found["high"]], [row, row], color=colour, linewidth=2, zorder=2)
    face = colour if said != TIED else PAPER
    axes.plot([found["delta"]], [row], marker="o" if sure else "D" if said != TIED else "s", markersize=7, color=colour, markerfacecolor=face, zorder=3)
    at_edge(axes, row, probability(found["p_adjusted"]), INK, RIGHT)


def _says(view: View, metric: str, found: Rows) -> str:
    places = digits(r[k] for r in found.values() for k in ("delta", "low", "high"))
    each = "; ".join(
        f"{short(n, 60)}: {number(r['delta'], places, True)}, {number(r['low'], places, True)} to {number(r['high'], places, True)}, "
        f"p {probability(r['p_adjusted'])}, {say(r, higher(metric))}"
        for n, r in found.items()
    )
    return f"{short(view.leader or '', 60)} minus each other configuration with 95 % intervals. {each}."
