"""The table a person reads: configurations by metrics, with intervals, and what the figures rest on."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table

from eval.leaderboard_notes import notes
from eval.summary import leaders

COLUMNS = ("recall@5", "ndcg@10", "span_recall", "span_iou", "context_recall", "faithfulness", "abstention_accuracy")


def leaderboard(summary: Mapping[str, Any], width: int = 150) -> str:
    """Return the configurations by their first shown metric, best first, as text of at most `width` columns."""
    configs = summary["configs"]
    measured = summary["metrics"]
    shown = list(COLUMNS) if set(COLUMNS) <= set(measured) else measured[:7]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("configuration", no_wrap=True)
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("p50 ms", justify="right")
    table.add_column("tokens", justify="right")
    asks = any(entry["chat"]["completions"] for entry in configs.values())
    if asks:
        table.add_column("chat", justify="right")
    for name in leaders(summary, shown[0]):
        entry = configs[name]
        asked = max((m["n"] for m in entry["metrics"].values()), default=0)
        latency = entry["latency_ms"].get("total", {}).get("p50")
        cells = [cell(entry["metrics"][m]) for m in shown]
        spent = [str(round((entry["chat"]["prompt_tokens"] + entry["chat"]["completion_tokens"]) / max(asked, 1)))] if asks else []
        table.add_row(name, *cells, "-" if latency is None else f"{latency:.1f}", str(round(entry["tokens"] / max(asked, 1))), *spent)
    out = StringIO()
    Console(file=out, width=width, no_color=True, highlight=False).print(table)
    return "\n".join([out.getvalue().rstrip(), "", *notes(summary, shown)])


def cell(figures: Mapping[str, Any]) -> str:
    """Return a mean and half the width of its 95 % interval, or a dash; `?` marks a mean of too few of the questions it applies to."""
    if figures["mean"] is None:
        return "-"
    return f"{figures['mean']:.3f} ±{(figures['high'] - figures['low']) / 2:.3f}{'' if figures['covered'] else '?'}"
