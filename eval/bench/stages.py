"""What each part earns: `python -m eval.bench.stages RUN` prints a Markdown table of configurations against their parents."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from eval.pairs import pair
from rag.shell import run

# Each configuration of the demo and the one it differs from in one thing.
PARENTS = {
    "hyde": "hybrid", "multi_query": "hybrid", "decompose": "hybrid", "step_back": "hybrid", "prf": "hybrid", "route": "hybrid",
    "late_interaction": "hybrid", "hybrid_window": "hybrid", "hybrid_dedupe": "hybrid", "hybrid_threshold": "hybrid", "hybrid_compress": "hybrid",
    "hybrid_recency": "hybrid", "hybrid_merge": "hybrid_parents", "contextual": "hybrid", "propositions": "hybrid_parents",
    "generative": "hybrid", "self_check": "generative", "map_reduce": "generative", "stuff": "generative",
}  # fmt: skip
METRICS = ("ndcg@10", "span_recall", "span_iou", "answer_correctness")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(folder: Annotated[Path, typer.Argument(help="Folder of a finished run over configs/*.yaml.")]) -> None:
    """Print the table: paired differences with 95 % intervals, milliseconds and tokens per question."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    sys.stdout.write("\n".join(table(folder, summary)) + "\n")


def table(folder: Path, summary: Mapping[str, Any]) -> list[str]:
    """Return the lines of the table; bold is a difference whose interval does not hold 0."""
    configs, n = summary["configs"], summary["questions"]["n"]
    lines = [f"| configuration | against | {' | '.join(METRICS)} | ms | context tokens | chat tokens |", "|---|---|" + "---|" * (len(METRICS) + 3)]
    for name, parent in PARENTS.items():
        if name not in configs or parent not in configs:
            continue
        found = pair(folder, name, parent, [m for m in METRICS if m in summary["metrics"]])["metrics"]
        cells = [_cell(found[m]) if m in found else "-" for m in METRICS]
        lines.append(f"| {name} | {parent} | {' | '.join(cells)} | {_spent(configs[name], configs[parent], n)} |")
    return lines


def _cell(found: Mapping[str, Any]) -> str:
    if not found["n"]:
        return "-"
    text = f"{found['delta']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"
    return f"**{text}**" if found["low"] > 0 or found["high"] < 0 else text


def _spent(own: Mapping[str, Any], parent: Mapping[str, Any], n: int) -> str:
    ms = [c["latency_ms"]["total"]["p50"] for c in (own, parent)]
    tokens = [round(c["tokens"] / n) for c in (own, parent)]
    chat = round((own["chat"]["prompt_tokens"] + own["chat"]["completion_tokens"]) / n)
    return f"{ms[0]:.0f} ({ms[0] - ms[1]:+.0f}) | {tokens[0]} ({tokens[0] - tokens[1]:+d}) | {chat}"


if __name__ == "__main__":
    sys.exit(run(app))
