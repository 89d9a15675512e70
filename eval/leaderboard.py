"""The table a person reads: configurations by metrics, with intervals, and what the figures rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table

from eval.summary import FEW_CLUSTERS, leaders

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
    """Return a mean and half the width of its 95 % interval, or a dash."""
    if figures["mean"] is None:
        return "-"
    return f"{figures['mean']:.3f} ±{(figures['high'] - figures['low']) / 2:.3f}"


def notes(summary: Mapping[str, Any], shown: Sequence[str]) -> list[str]:
    """Return what a reader must know beside the numbers: n, clusters, missing values, judge, truncation, failures."""
    configs = summary["configs"]
    asked, corpus = summary["questions"], summary["corpus"]
    lines = [
        f"{asked['n']} questions ({asked['n'] - asked['answerable']} unanswerable) on {corpus['documents']} documents; mean ± half of "
        "the 95 % interval (bootstrap over documents); "
        "ms: median per question, models loaded; tokens: mean per context"
    ]
    for metric in shown:
        scored = sorted({(c["metrics"][metric]["scored"], c["metrics"][metric]["n"]) for c in configs.values()})
        why = sorted({w for c in configs.values() for w in c["metrics"][metric]["missing"]})
        if why:
            lines.append(f"{metric}: scored {' to '.join(dict.fromkeys(f'{s}/{n}' for s, n in (scored[0], scored[-1])))} (others {', '.join(why)})")
        marked = max(c["metrics"][metric]["marked"] for c in configs.values())
        if marked:
            lines.append(f"{metric}: up to {marked} values are marked, see scores.jsonl")
    if any(c["chat"]["completions"] for c in configs.values()):
        lines.append("chat: mean tokens of prompts and replies per question" + _recorded([n for n, c in configs.items() if c["recorded"]]))
    if "abstention_accuracy" in shown:
        lines.append(f"abstention_accuracy: answering every question would score {asked['answerable'] / asked['n']:.3f}")
    fewest = min((c["metrics"][m]["clusters"] for c in configs.values() for m in shown if c["metrics"][m]["scored"]), default=0)
    if fewest < FEW_CLUSTERS:
        lines.append(f"intervals rest on as few as {fewest} documents; below {FEW_CLUSTERS} they are too narrow to decide by")
    lines.append(f"judge: {summary['judge']['use']} (words, numbers and polarity; not a language model)")
    for name, entry in configs.items():
        lines += [f"{name}: {n} of {entry['chunks']} chunks are longer than {model} reads" for model, n in entry["over_limit"].items()]
        if entry["not_indexed"]:
            lines.append(f"{name}: {len(entry['not_indexed'])} documents gave no chunk: {', '.join(entry['not_indexed'][:5])}")
        if entry["context"]["cut"]:
            lines.append(f"{name}: in {entry['context']['cut']} contexts the best hit alone was over the budget and was cut")
    lines += [f"failed: {f['doc_id']}: {f['reason']}" for f in corpus["failed"]]
    return lines


def _recorded(names: Sequence[str]) -> str:
    """Return what has to be said where nobody was asked but a file."""
    if not names:
        return ""
    return f"; {', '.join(names)}: replies are recordings, so their milliseconds hold no model, and their gains choose no default"
