"""Which configurations cannot be told from the best, and which of them is the simplest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from math import log
from pathlib import Path
from typing import Any

from eval.comparison import compare
from eval.metrics import parse
from eval.pairs import clusters
from eval.records import read_scores
from eval.summary import FEW_CLUSTERS, leaders
from rag.pipeline import Pipeline
from rag.stages import Chat, Stage

LEVEL = 0.05
STEP = 1.25  # latencies within about a quarter of each other count as equal: no more can be measured on a machine that does other things


def select(folder: Path, summary: Mapping[str, Any], pipelines: Mapping[str, Pipeline], metric: str, margin: float, seed: int) -> dict[str, Any]:
    """Return `{best, tied, chosen, rows, undecided, clusters, few_clusters}` for the configurations of a finished run.

    The best has the highest mean (of a metric that is better lower, the lowest). Tied with it is what the paired test does not tell
    from it, and what is worse by at most `margin` with 95 % confidence. With p times the number of the others (Bonferroni), what is
    truly best is in the tied set at least 95 times in 100, although the one it is held against was picked by looking (Gupta 1965,
    subset selection). One whose metric has values for too few questions is undecided: neither the best nor tied. `best` is None
    where nothing is decided.
    """
    entries = summary["configs"]
    decided = [n for n in leaders(summary, metric) if n in pipelines and entries[n]["metrics"][metric]["covered"] and entries[n]["metrics"][metric]["scored"]]
    undecided = sorted(n for n in entries if n in pipelines and n not in decided)
    if not decided:
        return {"best": None, "tied": [], "chosen": None, "rows": {}, "undecided": undecided, "clusters": 0, "few_clusters": True}
    best = decided[0]
    rows = _against(folder, best, decided[1:], metric, seed)
    tied = [best, *(n for n in decided[1:] if _tied(rows[n], margin))]
    order = simplicity(tied, entries, pipelines)
    few = entries[best]["metrics"][metric]["clusters"]
    facts = {n: {"mean": entries[n]["metrics"][metric]["mean"], "tied": n in tied, **rows.get(n, {}), **cost(entries[n], pipelines[n])} for n in decided}
    return {"best": best, "tied": order, "chosen": order[0], "rows": facts, "undecided": undecided, "clusters": few, "few_clusters": few < FEW_CLUSTERS}


def _against(folder: Path, best: str, others: Sequence[str], metric: str, seed: int) -> dict[str, dict[str, Any]]:
    """Return how far each other is behind the best (positive is worse) with its interval, and p times the number of others."""
    chosen, own, groups = parse(metric), read_scores(folder / best), clusters(folder)
    sign = 1 if chosen.higher_is_better else -1
    found: dict[str, dict[str, Any]] = {}
    for other in others:
        m = compare(best, own, other, read_scores(folder / other), groups, [chosen], seed)["metrics"][metric]
        low, high = (m["low"], m["high"]) if sign > 0 else (-m["high"], -m["low"]) if m["n"] else (None, None)
        p = None if m["p"] is None else adjusted(m["p"], len(others))
        found[other] = {"behind": sign * m["delta"] if m["n"] else None, "low": low, "high": high, "p": m["p"], "p_adjusted": p, "n": m["n"]}
    return found


def _tied(row: Mapping[str, Any], margin: float) -> bool:
    """Return whether the best is not shown to be better, or by no more than the margin."""
    if not row["n"] or row["p_adjusted"] >= LEVEL:
        return True
    return bool(margin > 0 and row["high"] <= margin)


def adjusted(p: float, others: int) -> float:
    """Return p for the test of the best against one of so many others (Bonferroni)."""
    return min(1.0, others * p)


def told_apart(p: float, others: int) -> bool:
    """Return whether a configuration whose test against the best gave p is told from it, one of so many."""
    return adjusted(p, others) < LEVEL


def simplicity(names: Sequence[str], entries: Mapping[str, Any], pipelines: Mapping[str, Pipeline]) -> list[str]:
    """Return names, simplest first: fewest completions per question, then fewest parts, then lowest latency, then fewest tokens of context, then name."""

    def rank(name: str) -> tuple[float, int, int, float, str]:
        c = cost(entries[name], pipelines[name])
        step = round(log(max(c["ms"], 1e-3)) / log(STEP)) if c["ms"] is not None else 10**6
        return c["completions"], c["parts"], step, c["context_tokens"], name

    return sorted(names, key=rank)


def cost(entry: Mapping[str, Any], pipeline: Pipeline) -> dict[str, Any]:
    """Return what a configuration takes: completions and tokens of context per question, parts, median milliseconds."""
    asked = max([1, *(m["n"] for m in entry["metrics"].values())])
    ms = entry["latency_ms"].get("total", {}).get("p50")
    return {
        "completions": round(entry["chat"]["completions"] / asked, 4),
        "parts": parts(pipeline),
        "ms": ms,
        "context_tokens": round(entry["tokens"] / asked, 2),
    }


def parts(value: object) -> int:
    """Return of how many parts a pipeline is made, those within others included; a chat model is none."""
    if isinstance(value, (tuple, list)):
        return sum(map(parts, value))
    if not is_dataclass(value) or isinstance(value, (type, Chat)):
        return 0
    return isinstance(value, Stage) + sum(parts(getattr(value, f.name)) for f in fields(value))
