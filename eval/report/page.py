"""One self-contained HTML page of an evaluation run: no network, no script but its own, the same bytes for the same run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.report.browser import LEAST, MOST, NOTHING, browser
from eval.report.kinds import MOST_ROWS, kind_tables
from eval.report.plots import MOST_DRAWN, dots, pareto, points, trade_off
from eval.report.sections import sections
from eval.report.source import NONE, Source
from eval.report.tables import bounds, corrected, differences, leaderboard, missing
from eval.report.verdict import verdict
from eval.report.view import View, higher
from eval.report.words import count, digits, listed, milliseconds, number, visible
from eval.summary import FEW_CLUSTERS
from rag.errors import MissingExtra

MOST_FAILED = 50
ROOM = 50_000  # bytes for the script of the question browser and its notes


def page(summary: Mapping[str, Any], folder: Path, source: Source = NONE) -> str:
    """Return the page of a finished run as HTML; `folder` is where `summary.json` lies, `source` what `read_source` took from its corpus.

    Raises `MissingExtra` without matplotlib or jinja2, `StoreError` for a folder with missing or damaged files.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        raise MissingExtra("jinja2", "report", "a report") from None
    loader = FileSystemLoader(Path(__file__).parent)
    env = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=visible)
    env.filters |= {"number": number, "ms": milliseconds, "listed": listed}
    env.globals |= {"count": count, "few_clusters": FEW_CLUSTERS}
    view = View(summary, folder, source)
    template, shown = env.get_template("page.html.j2"), {**_measured(view), **_found(view), **_lost(view), **sections(view)}
    taken = len(template.render(**shown, browser=NOTHING).encode())
    return template.render(**shown, browser=browser(view, max(LEAST, MOST - taken - ROOM))) + "\n"


def _measured(view: View) -> dict[str, Any]:
    """Return what the run was made of, from the summary and the locks."""
    summary, locks = view.summary, view.locks.values()
    judge = summary["judge"]
    encoder = judge.get("encoder")
    judged = summary.get("judged", {"line": "nothing is known of how often this judge errs", "warnings": []})
    return {
        "configs": len(view.names), "questions": summary["questions"], "corpus": summary["corpus"],
        "unanswerable": summary["questions"]["n"] - summary["questions"]["answerable"],
        "judge": judge, "judged": judged, "synthetic": summary["questions"].get("synthetic", 0), "encoder": encoder.get("name", "") if isinstance(encoder, Mapping) else "",
        "packages": sorted({str(lock.get("package", "unknown")) for lock in locks}),
        "machines": sorted({str(lock.get("latency", {}).get("machine", "unknown")) for lock in locks}),
        "recorded": tuple(n for n in view.names if view.configs[n].get("recorded")), "chats": _chats(view),
        "samples": sorted({int(c["latency_sample"]) for c in view.configs.values() if c.get("latency_sample")}),
    }  # fmt: skip


def _chats(view: View) -> tuple[tuple[str, int, float], ...]:
    """Return per configuration that asked a chat model its tokens and its cost per question."""
    asked = max(int(view.summary["questions"]["n"]), 1)
    spent = [(n, view.configs[n].get("chat", {})) for n in view.names]
    return tuple((n, round((c["prompt_tokens"] + c["completion_tokens"]) / asked), round(c["cost"] / asked, 6)) for n, c in spent if c.get("completions"))


def _found(view: View) -> dict[str, Any]:
    """Return verdict, tables and plots."""
    others = tuple(m for m in view.metrics if m not in view.main)
    spots = points(view)
    first = view.first
    return {
        "first": first, "up": higher(first or ""), "leader": view.leader, "verdict": verdict(view),
        "lead": view.figure(view.leader, first) if view.leader and first else {},
        "places": digits(view.figure(n, first)["mean"] for n in view.names) if first else 3,
        "main": view.main, "others": others, "directions": {m: higher(m) for m in view.metrics},
        "rows": leaderboard(view, view.main), "other_rows": leaderboard(view, others) if others else (),
        "clusters": {m: min((view.figure(n, m).get("clusters", 0) for n in view.names if view.figure(n, m)["scored"]), default=0) for m in view.metrics},
        "missing": missing(view), "pareto": pareto(spots, higher(first or "")), "undrawn": tuple(n for n in view.names if n not in spots),
        "wide": trade_off(view, 940, "w", (380, 560, 760, 1100, 1600)), "narrow": trade_off(view, 360, "n", (340, 440, 560)),
        "panels": tuple((m, dots(view, m, f"d{i}")) for i, m in enumerate(view.panels)), "most_drawn": MOST_DRAWN, "points": len(spots),
        "differences": differences(view), "kinds": kind_tables(view), "most_rows": MOST_ROWS,
    }  # fmt: skip


def _lost(view: View) -> dict[str, Any]:
    """Return what did not reach a number: documents, characters of chunks, hits, scores."""
    failed = view.summary["corpus"].get("failed", ())
    asked = max(int(view.summary["questions"]["n"]), 1)
    rows = []
    for name in view.names:
        entry = view.configs[name]
        context = entry.get("context", {})
        limits = tuple(f"{n} longer than {model} reads" for model, n in entry.get("over_limit", {}).items())
        dropped = context.get("dropped")
        marked = sum(f.get("marked", 0) for f in entry["metrics"].values())
        rows.append((name, entry.get("chunks"), limits, dropped, None if dropped is None else dropped / asked, context.get("cut"), marked))
    metrics, table = bounds(view)
    fixed, fixed_rows, ways = corrected(view)
    return {
        "failed": failed[:MOST_FAILED], "failures": len(failed), "lost": tuple(rows), "bound_metrics": metrics, "bound_rows": table,
        "fixed": fixed, "fixed_rows": fixed_rows, "ways": ways,
    }  # fmt: skip
