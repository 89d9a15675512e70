"""How often a sweep's tied set holds the truly best: `python -m eval.bench.sweep_simulation` simulates it and writes the table of docs/sweep.md.

Configurations err as shipped ones do: what two of them differ by on the questions of a document, centred, is drawn for each
configuration on its own, so that any two differ as much as real ones did. How good each is in truth is added, and therefore known.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from eval.bench.simulation import BASELINE, METRICS, OTHERS, Noise, filled, measured, noise
from eval.resampling import Floats
from eval.sweep_select import told_apart
from rag.errors import ConfigError
from rag.runtime import Runtime
from rag.shell import note, run

SIZES, CONFIGS, BETTER = (50, 130, 300), (4, 13, 27), 0.05
DRAWS = 4000  # a sweep draws 10,000; over many sweeps a p needs fewer
RUNS = 400
PAGE = Path("docs/sweep.md")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Pools:
    """What the documents of each source of noise sum to, by how many questions they have; `sizes` has the questions of each document, `mean` their mean."""

    sums: tuple[Mapping[int, Floats], ...]
    sizes: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Questions per document."""
        return sum(self.sizes) / len(self.sizes)


def pools(sources: Sequence[Noise]) -> Pools:
    """Return the sums of sources on the same documents. Raises `ConfigError` where a number of questions is not in all of them."""
    found = []
    for source in sources:
        by: dict[int, list[float]] = {}
        for rows in source.rows:
            by.setdefault(len(rows), []).append(float(source.differences[rows].sum()) / sqrt(2))
        found.append({m: np.array(v, dtype=np.float64) for m, v in by.items()})
    sizes = tuple(len(rows) for rows in sources[0].rows)
    if any(set(sizes) - by.keys() for by in found):
        raise ConfigError("the sources of noise have other documents; run the command without --run")
    return Pools(tuple(found), sizes)


def drawn(source: Pools, configs: int, questions: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return what each configuration's scores on each document sum to, all equally good in truth, and the questions of each document."""
    sizes = rng.choice(source.sizes, size=max(2, round(questions / source.mean)))
    sums = np.empty((configs, len(sizes)), dtype=np.float64)
    for m in np.unique(sizes):
        at = np.flatnonzero(sizes == m)
        for i in range(configs):
            sums[i, at] = rng.choice(source.sums[i % len(source.sums)][int(m)], size=len(at))
    return sums, sizes.astype(np.float64)


def tied(sums: Floats, signs: Floats) -> Floats:
    """Return for each configuration whether it is in the tied set (1 or 0), by the rule of `eval.sweep_select`; `signs` are those of the permutations."""
    best = int(np.argmax(sums.sum(axis=1)))
    behind = sums[best] - sums
    extreme = (np.abs(signs @ behind.T) >= np.abs(behind.sum(axis=1)) * (1 - 1e-9)).sum(axis=0)
    ps = (1 + extreme) / (1 + len(signs))
    return np.array([float(i == best or not told_apart(float(p), len(sums) - 1)) for i, p in enumerate(ps)])


@dataclass(frozen=True)
class Row:
    """Shares over simulated sweeps: how often the first configuration is tied, how often all are, how many are, and how often the first has the highest mean."""

    held: float
    all_held: float
    size: float
    first: float


def simulated(source: Pools, configs: int, questions: int, better: float, runs: int, seed: int = 0) -> Row:
    """Return what came of so many sweeps in which the first configuration is better than all others, which are equal, by `better`."""
    rng = np.random.default_rng([seed, configs, questions])
    made = []
    for _ in range(runs):
        sums, sizes = drawn(source, configs, questions, rng)
        sums[0] += better * sizes
        signs = np.asarray(2 * rng.integers(0, 2, size=(DRAWS, len(sizes))) - 1, dtype=np.float64)
        found = tied(sums, signs)
        # where all are equal each is as good as the first: their mean share says the same with less noise
        held = found[0] if better else found.mean()
        made.append([held, float(found.all()), found.sum(), float(np.argmax(sums.sum(axis=1)) == 0)])
    return Row(*(float(v) for v in np.mean(made, axis=0)))


def table(sources: Sequence[Pools], runs: int, runtime: Runtime) -> Iterator[str]:
    """Yield the lines of the table over all sources, each as often."""
    yield f"| configurations | questions | all equal: a given one is tied | all of them are | one better by {100 * BETTER:g} points: it is tied | has the highest mean | tied |"
    yield "|---:|---:|---:|---:|---:|---:|---:|"
    for configs in runtime.track(CONFIGS, "configurations", len(CONFIGS)):
        for n in SIZES:
            null = [simulated(s, configs, n, 0.0, runs) for s in sources]
            one = [simulated(s, configs, n, BETTER, runs) for s in sources]
            cells = [np.mean([r.held for r in null]), np.mean([r.all_held for r in null]), np.mean([r.held for r in one]), np.mean([r.first for r in one])]
            size = np.mean([r.size for r in one])
            yield f"| {configs} | {n} | {' | '.join(f'{100 * c:.1f} %' for c in cells)} | {size:.1f} |"


@app.command()
def main(
    runs: Annotated[int, typer.Option("--runs", min=1, help="Sweeps per row and source of noise.")] = RUNS,
    folder: Annotated[Path | None, typer.Option("--run", help="A finished run as for eval.bench.simulation; default: made in out/simulation.")] = None,
    page: Annotated[Path, typer.Option("--page", help="Page to write the table into.")] = PAGE,
) -> None:
    """Simulate the tied set and write the table into the page."""
    runtime = Runtime()
    where = folder or measured(Path("out/simulation"), runtime)
    sources = [pools([noise(where, BASELINE, other, metric) for other in OTHERS]) for metric in METRICS]
    lines = [f"{runs * len(sources):,} simulated sweeps per row, of {', '.join(METRICS)}:", "", *table(sources, runs, runtime)]
    page.write_text(filled(page.read_text(encoding="utf-8"), lines), encoding="utf-8")
    note(f"wrote the table into {page}")


if __name__ == "__main__":
    sys.exit(run(app))
