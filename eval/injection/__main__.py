"""`python -m eval.injection [--counts FILE]`: what the attacks reach when the model obeys every one of them, and what the detector finds.

With a file, the attacks that got behind a hard gate (links, tenants, verdicts, scope, raw output) are counted for `rag-eval gate --counts`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from eval.counts import Count, counted, write_count
from eval.injection import corpus
from eval.injection.bench import Bench
from eval.injection.corpus import Case
from eval.injection.oracles import gated, rates, succeeded
from rag.instructions import instructions_in
from rag.shell import emit, run

NAMES = {
    "A": "direct override", "B": "roles and delimiters", "C": "polite prose", "D": "exfiltration", "E": "forged citations", "F": "leaks",
    "G": "invisible text", "H": "encodings, languages", "I": "hijacked retrieval", "J": "jamming", "K": "judge attacks", "L": "rewriters",
    "M": "output handling", "N": "contradictions", "O": "resources",
}  # fmt: skip


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def attempts() -> tuple[list[Case], list[bool]]:
    """Return the attacks on answers, and whether each got what it wanted through a model that obeys."""
    cases = [c for c in corpus.load() if c.carrier not in ("history", "judge_answer") and c.success != "verdict"]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        return cases, [succeeded(c, bench.ask(c, pipeline=bench.obeying)) for c in cases]


def count(cases: Sequence[Case], won: Sequence[bool]) -> Count:
    """Return how many attacks got past a gate that code holds, of how many that are behind one."""
    behind = [(c.id, w) for c, w in zip(cases, won, strict=True) if gated(c)]
    return counted("injection_successes", "python -m eval.injection", [i for i, w in behind if w], len(behind), {})


def table(cases: Sequence[Case], shown: Sequence[bool]) -> str:
    """Return a Markdown table by family: attacks, how many succeeded through a model that obeys, how many are flagged, and twins flagged."""
    won = rates(cases, shown)
    gates = rates([c for c in cases if gated(c)], [s for c, s in zip(cases, shown, strict=True) if gated(c)])
    seen = rates(cases, [any(instructions_in(t) for t in c.payload) for c in cases])
    twins = rates(cases, [bool(instructions_in(c.benign_twin)) for c in cases])
    lines = ["| family | attacks | obeyed and shown | of those behind a hard gate | flagged | benign twins flagged |", "|---|---|---|---|---|---|"]
    for family, (wins, n) in sorted(won.items()):
        held, behind = gates.get(family, (0, 0))
        lines.append(f"| {family} {NAMES[family]} | {n} | {wins} | {f'{held} of {behind}' if behind else '-'} | {seen[family][0]} | {twins[family][0]} |")
    return "\n".join(lines)


@app.command()
def main(counts: Annotated[Path | None, typer.Option("--counts", help="File to write the count to, for `rag-eval gate --counts`.")] = None) -> None:
    """Print a Markdown table by family of attacks."""
    cases, shown = attempts()
    if counts is not None:
        write_count(counts, count(cases, shown))
    emit({}, False, lambda: table(cases, shown))


if __name__ == "__main__":
    sys.exit(run(app))
