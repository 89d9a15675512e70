"""What has to be said beside a table of means: n, clusters, coverage, missing values, the judge, truncation, failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.score import NOT_APPLICABLE
from eval.summary import ENOUGH, FEW_CLUSTERS

MOST_NAMED = 5


def notes(summary: Mapping[str, Any], shown: Sequence[str]) -> list[str]:
    """Return the lines below a table that shows these metrics."""
    configs = summary["configs"]
    asked, corpus = summary["questions"], summary["corpus"]
    lines = [
        f"{asked['n']} questions ({asked['n'] - asked['answerable']} unanswerable) on {corpus['documents']} documents; mean ± half of "
        "the 95 % interval (bootstrap over documents); "
        "ms: median per question, models loaded; tokens: mean per context"
    ]
    for metric in shown:
        lines += _coverage(metric, {n: c["metrics"][metric] for n, c in configs.items()})
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
    if asked["note"]:
        lines.append(asked["note"])
    lines += _unshown(summary, shown)
    lines += _judged(summary, shown)
    for name, entry in configs.items():
        lines += [f"{name}: {n} of {entry['chunks']} chunks are longer than {model} reads" for model, n in entry["over_limit"].items()]
        if entry["not_indexed"]:
            lines.append(f"{name}: {len(entry['not_indexed'])} documents gave no chunk: {', '.join(entry['not_indexed'][:5])}")
        if entry["context"]["cut"]:
            lines.append(f"{name}: in {entry['context']['cut']} contexts the best hit alone was over the budget and was cut")
    lines += [f"failed: {f['doc_id']}: {f['reason']}" for f in corpus["failed"]]
    return lines


def _coverage(metric: str, figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return how many questions a metric has a value for: one line for all configurations, and one for each that has too few."""
    applies = sorted(f["n"] - f["missing"].get(NOT_APPLICABLE, 0) for f in figures.values())
    n = max(f["n"] for f in figures.values())
    lost = sum(sum(f["missing"].values()) - f["missing"].get(NOT_APPLICABLE, 0) for f in figures.values())
    spread = " to ".join(str(a) for a in dict.fromkeys((applies[0], applies[-1])))
    lines = [f"{metric}: applies to {spread} of {n} questions" + ("" if lost else ", all scored")] if lost or applies[0] < n else []
    for name, f in figures.items():
        own = f["n"] - f["missing"].get(NOT_APPLICABLE, 0)
        if own < ENOUGH * applies[-1]:  # such as answers in a script that the judge does not read: no loss by its state, and no equal mean
            lines.append(
                f"  {name}: applies to {own} of its answers, {applies[-1] - own} fewer than elsewhere: its mean is of other questions; see scores.jsonl"
            )
        others = {why: count for why, count in f["missing"].items() if why != NOT_APPLICABLE}
        if others:
            bounds = f"; the mean is {f['worst']:.3f} to {f['best']:.3f} whatever they were" if f["worst"] is not None else ""
            few = "" if f["covered"] else f"; below {ENOUGH:.0%}, it decides nothing"
            why = ", ".join(f"{count} {reason}" for reason, count in others.items())
            lines.append(f"  {name}: {f['scored']} of {f['scored'] + sum(others.values())} scored ({why}){bounds}{few}")
    return lines


def _unshown(summary: Mapping[str, Any], shown: Sequence[str]) -> list[str]:
    """Return the names of metrics that the table has no column for, and which of their means rest on too few questions."""
    rest = [m for m in summary["metrics"] if m not in shown]
    if not rest:
        return []
    lines = [f"also measured (means, coverage and bounds in summary.json and in the report): {', '.join(rest)}"]
    for metric in rest:
        thin = {n: c["metrics"][metric]["coverage"] for n, c in summary["configs"].items() if not c["metrics"][metric]["covered"]}
        if thin:
            lines.append(f"  {metric}: below {ENOUGH:.0%} of its questions scored, so it decides nothing: {', '.join(f'{n} {v:.0%}' for n, v in thin.items())}")
    return lines


def _judged(summary: Mapping[str, Any], shown: Sequence[str]) -> list[str]:
    """Return who judged, how often that judge is known to err, and the means with its known error taken out."""
    judged = summary["judged"]
    lines = [judged["line"], *judged["warnings"]]
    for metric in shown:
        fixed = {n: c["metrics"][metric]["corrected"] for n, c in summary["configs"].items() if c["metrics"][metric].get("corrected")}
        reasons = sorted({f["why"] for f in fixed.values() if "why" in f})
        lines += [f"{metric}, corrected: {why}" for why in reasons]
        known = {n: f for n, f in fixed.items() if "why" not in f}
        void = [n for n, f in known.items() if f["low"] <= 0 and f["high"] >= 1]
        if void:
            which = ", ".join(void) if len(void) <= MOST_NAMED else f"{len(void)} configurations"
            lines.append(f"{metric}, corrected: the judge errs so differently on different collections that any value from 0 to 1 is possible for {which}")
        by_value: dict[str, list[str]] = {}
        for name in (n for n in known if n not in void):
            f = known[name]
            by_value.setdefault(f"({f['method']}): {f['value']:.3f} [{f['low']:.3f}, {f['high']:.3f}]", []).append(name)
        lines += [f"{metric}, corrected for the judge's error {value} {', '.join(names)}" for value, names in by_value.items()]
    return lines


def _recorded(names: Sequence[str]) -> str:
    """Return what has to be said where nobody was asked but a file."""
    if not names:
        return ""
    return f"; {', '.join(names)}: replies are recordings, so their milliseconds hold no model, and their gains choose no default"
