"""The two kinds of plot on the page: quality against latency, and one row of dot and interval per configuration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise, product
from math import log10
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from eval.report.labels import Box, Point, place, width
from eval.report.svg import ACCENT, GRID, INK, MUTED, PAPER, SIZE, element, figure
from eval.report.view import View, bounded, higher
from eval.report.words import digits, milliseconds, number, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_DRAWN = 24
PANEL = 380


def names(drawn: Sequence[str]) -> dict[str, str]:
    """Return the names as plots write them; those that would be cut to the same text get their place in the order before them."""
    found = {n: short(n) for n in drawn}
    often = Counter(found.values())
    return {n: text if often[text] == 1 else short(f"{rank}: {n}") for rank, (n, text) in enumerate(found.items(), 1)}


def points(view: View) -> dict[str, Point]:
    """Return median latency in ms and mean first metric of the configurations that have both, best first."""
    found = {}
    for name in view.names:
        ms, mean = view.latency(name, "p50"), view.figure(name, view.first)["mean"] if view.first else None
        if ms is not None and ms > 0 and mean is not None:
            found[name] = (ms, float(mean))
    return found


def pareto(spots: dict[str, Point], up: bool) -> tuple[str, ...]:
    """Return the names that no other beats: none is at least as good and as fast, and better in one of the two; fastest first."""
    gains = {n: (ms, -mean if up else mean) for n, (ms, mean) in spots.items()}
    kept = [n for n, g in gains.items() if not any(o[0] <= g[0] and o[1] <= g[1] and o != g for o in gains.values())]
    return tuple(sorted(kept, key=lambda n: gains[n]))


def trade_off(view: View, wide: int, name: str, heights: Sequence[int]) -> Markup:
    """Return the first metric with its interval against median latency, the Pareto set filled and joined, every point named.

    The first of the heights at which no two texts meet is taken. Where none is enough for the names, their places in the
    leaderboard stand for them; empty where there is nothing to draw or even numbers find no place.
    """
    spots = points(view)
    best = pareto(spots, higher(view.first or ""))
    drawn = dict(list(spots.items())[:MOST_DRAWN]) | {n: spots[n] for n in best}
    ranks = {n: str(rank) for rank, n in enumerate(view.names, 1) if n in drawn}
    for labels, high in product((names(list(drawn)), ranks), heights if drawn else ()):
        with figure(wide, high) as fig:
            axes = fig.add_axes((58 / wide, 52 / high, 1 - 70 / wide, 1 - 64 / high))
            if _points(view, axes, drawn, best, wide - 70, labels):
                return element(fig, name, _trade_off_text(view, drawn, best), "plot")
    return Markup("")


def _points(view: View, axes: Axes, drawn: dict[str, Point], best: Sequence[str], wide: int, labels: dict[str, str]) -> bool:
    """Draw everything and return whether every name found a place."""
    figures = {n: view.figure(n, view.first or "") for n in drawn}
    ends = {n: (float(f["low"]), float(f["high"])) for n, f in figures.items()}
    _frame(axes, [ms for ms, _ in drawn.values()], [v for pair in ends.values() for v in pair], wide)
    axes.set_xlabel("median latency, ms (logarithmic)")
    axes.set_ylabel(short(view.first or "", 40))
    axes.plot(*zip(*[drawn[n] for n in best], strict=True), color=ACCENT, linewidth=1.2, linestyle=(0, (5, 4)), zorder=1)
    for n, (ms, mean) in drawn.items():
        on = n in best
        axes.plot([ms, ms], ends[n], color=ACCENT if on else MUTED, linewidth=1.6, zorder=2)
        axes.plot(
            [ms], [mean], marker="o" if on else "s", markersize=9 if on else 7, color=ACCENT if on else MUTED, markerfacecolor=ACCENT if on else PAPER, zorder=3
        )
    return _name_points(axes, drawn, ends, best, labels)


def _frame(axes: Axes, times: Sequence[float], values: Sequence[float], wide: int) -> None:
    """Set scales that leave room around the points, and ticks at round numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, most = min(times), max(times)
    room = max((most / low) ** 0.24, 1.6)  # a sixth of the width on either side, for names
    axes.set_xscale("log")
    axes.set_xlim(low / room, most * room)
    span = (max(values) - min(values)) or max(abs(max(values)), 1e-3) * 0.1
    axes.set_ylim(min(values) - 0.08 * span, max(values) + 0.08 * span)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if wide / log10(most / low * room**2) > 170 else (1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,g}" if v < 1e6 else f"{v:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    plain(axes)
    axes.grid(color=GRID, linewidth=0.8, zorder=0)


def plain(axes: Axes) -> None:
    """Leave of the frame what the page's plots show: the line below, no ticks."""
    axes.patch.set_visible(False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(which="both", length=0, pad=6)
    axes.set_axisbelow(True)


def at_edge(axes: Axes, row: float, text: str, colour: str, room: int) -> None:
    """Write a text beside a row, right-aligned at the end of so many pixels that are left free right of the axes."""
    axes.annotate(
        text,
        (1, row),
        xycoords=("axes fraction", "data"),
        xytext=(room - 2, 0),
        textcoords="offset pixels",
        ha="right",
        va="center",
        color=colour,
        annotation_clip=False,
    )


def _name_points(axes: Axes, drawn: dict[str, Point], ends: dict[str, Point], best: Sequence[str], texts: dict[str, str]) -> bool:
    """Write every name beside its point, joined to it by a line where it is further off; return whether all found a place."""
    spots = [(float(x), float(y)) for x, y in (axes.transData.transform(p) for p in drawn.values())]
    whiskers = [[axes.transData.transform((drawn[n][0], e)) for e in ends[n]] for n in drawn]
    walls = [Box(a[0] - 2, a[1], a[0] + 2, b[1]) for a, b in whiskers]
    joined = dict(zip(drawn, spots, strict=True))
    paths = [(joined[a], joined[b]) for a, b in pairwise(best)]
    corner = axes.bbox
    labels = place([texts[n] for n in drawn], spots, walls, paths, Box(corner.x0, corner.y0, corner.x1, corner.y1), SIZE)
    for label in labels or ():
        right = label.point[0] < (label.box.left + label.box.right) / 2
        x = label.box.left if right else label.box.right
        axes.text(x, label.box.bottom + SIZE * 0.3, label.text, color=INK, transform=None, ha="left" if right else "right", va="baseline", zorder=4)
        if label.line:
            axes.plot(*zip(label.point, label.end, strict=True), color=MUTED, linewidth=0.8, transform=None, zorder=1)
    return labels is not None


def _trade_off_text(view: View, drawn: dict[str, Point], best: Sequence[str]) -> str:
    places = digits(mean for _, mean in drawn.values())
    each = "; ".join(
        f"{short(n, 60)}: {number(mean, places)} at {milliseconds(ms)} ms{' (Pareto set)' if n in best else ''}" for n, (ms, mean) in drawn.items()
    )
    return f"{short(view.first or '', 60)} against median latency. {each}."


def dots(view: View, metric: str, name: str) -> Markup:
    """Return one row per configuration, in the order of the leaderboard: mean as a dot, 95 % interval as a line, the mean in figures."""
    drawn = view.names[:MOST_DRAWN]
    figures = {n: view.figure(n, metric) for n in drawn}
    places = digits(f["mean"] for f in figures.values())
    texts = names(drawn)
    left, right = min(0.5 * PANEL, 14 + max(width(t, SIZE) for t in texts.values())), 58
    high = 34 + 24 * len(drawn)
    with figure(PANEL, high) as fig:
        axes = fig.add_axes((left / PANEL, 28 / high, 1 - (left + right) / PANEL, 1 - 32 / high))
        _rows(axes, metric, figures)
        for row, n in enumerate(drawn):
            _row(axes, row, figures[n], number(figures[n]["mean"], places) if figures[n]["mean"] is not None else "no value", n == view.leader)
        axes.set_yticks(range(len(drawn)), list(texts.values()))
        says = "; ".join(f"{short(n, 60)}: {_says(f, places)}" for n, f in figures.items())
        return element(fig, name, f"{short(metric, 60)} with 95 % intervals. {says}.", "plot")


def _rows(axes: Axes, metric: str, figures: dict[str, Any]) -> None:
    from matplotlib.ticker import MaxNLocator

    ends = [float(f[k]) for f in figures.values() if f["mean"] is not None for k in ("low", "high")]
    pad = 0.08 * (max(ends) - min(ends)) or max(abs(max(ends)) * 0.1, 1e-3)
    low, most = min(ends) - pad, max(ends) + pad
    axes.set_xlim(max(low, -0.03) if bounded(metric) and min(ends) >= 0 else low, min(most, 1.03) if bounded(metric) and max(ends) <= 1 else most)
    axes.set_ylim(len(figures) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    plain(axes)
    axes.grid(axis="x", color=GRID, linewidth=0.8, zorder=0)


def _row(axes: Axes, row: int, found: Any, text: str, leads: bool) -> None:
    colour = ACCENT if leads else MUTED
    if found["mean"] is not None:
        axes.plot([found["low"], found["high"]], [row, row], color=colour, linewidth=2, zorder=2)
        axes.plot([found["mean"]], [row], marker="D" if leads else "o", markersize=7, color=colour, zorder=3)
    axes.annotate(
        text,
        (1, row),
        xycoords=("axes fraction", "data"),
        xytext=(54, 0),
        textcoords="offset pixels",
        ha="right",
        va="center",
        color=INK,
        annotation_clip=False,
    )


def _says(found: Any, places: int) -> str:
    if found["mean"] is None:
        return "no value"
    return f"{number(found['mean'], places)}, {number(found['low'], places)} to {number(found['high'], places)}"
