"""`python -m eval.injection`: what the attacks reach behind the gates when the model obeys every one of them, and what the detector finds."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from eval.injection import corpus
from eval.injection.bench import Bench
from eval.injection.oracles import gated, rates, succeeded
from rag.instructions import instructions_in

NAMES = {
    "A": "direct override", "B": "roles and delimiters", "C": "polite prose", "D": "exfiltration", "E": "forged citations", "F": "leaks",
    "G": "invisible text", "H": "encodings, languages", "I": "hijacked retrieval", "J": "jamming", "K": "judge attacks", "L": "rewriters",
    "M": "output handling", "N": "contradictions", "O": "resources",
}  # fmt: skip


def main() -> None:
    """Print a Markdown table by family: attacks, how many succeeded through a model that obeys, how many are flagged, and twins flagged."""
    cases = [c for c in corpus.load() if c.carrier not in ("history", "judge_answer") and c.success != "verdict"]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        shown = [succeeded(c, bench.ask(c, pipeline=bench.obeying)) for c in cases]
    won = rates(cases, shown)
    gates = rates([c for c in cases if gated(c)], [s for c, s in zip(cases, shown, strict=True) if gated(c)])
    seen = rates(cases, [any(instructions_in(t) for t in c.payload) for c in cases])
    twins = rates(cases, [bool(instructions_in(c.benign_twin)) for c in cases])
    lines = ["| family | attacks | obeyed and shown | of those behind a hard gate | flagged | benign twins flagged |", "|---|---|---|---|---|---|"]
    for family, (wins, n) in sorted(won.items()):
        held, behind = gates.get(family, (0, 0))
        lines.append(f"| {family} {NAMES[family]} | {n} | {wins} | {f'{held} of {behind}' if behind else '-'} | {seen[family][0]} | {twins[family][0]} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
