"""How often the gate passes, fails and abstains: `python -m eval.bench.simulation` simulates it and writes the table of docs/statistics.md.

The noise is that of real runs: the paired differences of two shipped configurations on the handbook, centred, drawn again by whole documents.
A true difference is added to every one of them, so what the right verdict would be is known.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from eval.pairs import clusters
from eval.power import POWER, Spread, needed, spread
from eval.records import read_scores
from eval.resampling import Floats, numbered
from eval.stats import paired
from eval.summary import FEW_CLUSTERS
from rag.errors import ConfigError
from rag.runtime import Runtime
from rag.shell import note, run

BASELINE, OTHERS = "hybrid", ("bm25", "hybrid_recursive")
METRICS = ("span_recall", "recall@5", "ndcg@10")
SIZES, DROPS, MARGIN = (50, 100, 200, 300, 500), (0.0, 0.02, 0.05, 0.10), 0.05
DRAWS, SEEDS = 2000, 4  # the gate draws 10,000; over many runs the ends need fewer
PAGE = Path("docs/statistics.md")
BEGIN, END = "<!-- simulation:begin -->", "<!-- simulation:end -->"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Noise:
    """What a metric does to a pair of configurations that are equally good: differences and levels per question, centred, by cluster."""

    name: str
    differences: Floats
    levels: Floats
    rows: tuple[NDArray[np.intp], ...]
    spread: Spread
    ties: float


@dataclass(frozen=True)
class Sets:
    """Simulated sets of questions: per set the interval and mean of the difference, and the mean level, where nothing changed."""

    low: Floats
    high: Floats
    delta: Floats
    level: Floats
    clusters: int


def noise(folder: Path, baseline: str, other: str, metric: str) -> Noise:
    """Return the noise of one pair and metric of a finished run. Raises `ConfigError` where fewer than two documents have a pair."""
    old, new = ({s.question: s.value for s in read_scores(folder / name) if s.metric == metric and s.value is not None} for name in (baseline, other))
    names = sorted(old.keys() & new.keys())
    groups = [clusters(folder)[q] for q in names]
    values, levels = np.array([new[q] - old[q] for q in names], dtype=np.float64), np.array([new[q] for q in names], dtype=np.float64)
    found = spread(values.tolist(), groups) if names else None
    if found is None:
        raise ConfigError(f"{folder}: {baseline} and {other} have no {metric} on two documents; run the command without --run")
    member = numbered(groups)
    rows = tuple(np.flatnonzero(member == i) for i in range(found.clusters))
    return Noise(f"{other} against {baseline}, {metric}", values - values.mean(), levels - levels.mean(), rows, found, float(np.mean(values == 0)))


def sets(source: Noise, n: int, runs: int, seed: int = 0) -> Sets:
    """Return so many sets of about `n` questions, drawn by whole documents; every draw counts as a document of its own."""
    many = max(2, round(n * len(source.rows) / len(source.differences)))
    rng = np.random.default_rng([seed, n])
    made = np.empty((4, runs), dtype=np.float64)
    for i in range(runs):
        chosen = [source.rows[c] for c in rng.integers(0, len(source.rows), size=many)]
        rows = np.concatenate(chosen)
        groups = np.repeat(np.arange(many), [len(c) for c in chosen]).tolist()
        found = paired(source.differences[rows].tolist(), [0.0] * len(rows), groups, seed=i % SEEDS, draws=DRAWS)
        made[:, i] = found.low, found.high, found.delta, source.levels[rows].mean()
    return Sets(made[0], made[1], made[2], made[3], many)


def shares(found: Sets, drop: float, margin: float = MARGIN) -> dict[str, float]:
    """Return how often each rule decides what at a true drop, which moves every mean and every end of an interval by as much.

    The gate passes when the lower end is at least minus the margin and has regressed when the upper end is below it. `tolerance` fails a
    mean more than the margin below that of the baseline on the same questions, `threshold` one more than the margin below what the
    baseline scores in the long run, `mean` any mean below that of the baseline.
    """
    low, high, delta, level = (v - drop for v in (found.low, found.high, found.delta, found.level))
    regressed = high < -margin
    passed = (low >= -margin) & ~regressed & (found.clusters >= FEW_CLUSTERS)
    rules = {"pass": passed, "regressed": regressed, "abstain": ~(passed | regressed), "tolerance": delta < -margin, "threshold": level < -margin}
    return {name: float(np.mean(v)) for name, v in {**rules, "mean": delta < 0}.items()}


def overall(sources: Sequence[Noise], runs: int, drawn: dict[tuple[str, int], Sets], runtime: Runtime) -> Iterator[str]:
    """Yield the lines of the table over all sources of noise, each as often; what was drawn is put into `drawn`."""
    yield f"| questions | true drop | gate passes | regressed | abstains | fails: mean < baseline - {MARGIN:g} | fails: mean < fixed threshold | fails: mean < baseline |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    for n in runtime.track(SIZES, "sizes", len(SIZES)):
        for source in sources:
            drawn[source.name, n] = sets(source, n, runs)
        for drop in DROPS:
            each = [shares(drawn[source.name, n], drop) for source in sources]
            cells = [f"{np.mean([e[name] for e in each]):.1%}" for name in each[0]]
            yield f"| {n} | {100 * drop:.0f} points | {' | '.join(cells)} |"


def by_source(sources: Sequence[Noise], runs: int, drawn: dict[tuple[str, int], Sets], runtime: Runtime) -> Iterator[str]:
    """Yield the lines of the table by source of noise: its spread, what 200 questions show, and how many show it four times in five."""
    yield "| noise of | sd | design effect | ties | at 200: no change passes | 10 points regressed | by formula for 80 % | simulated for 80 % of both |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for source in runtime.track(sources, "spreads", len(sources)):
        found = source.spread
        formula = needed(MARGIN, found.sd, found.n / found.clusters, found.deff)
        cells = " | ".join(f"{share:.1%}" for share in _right(drawn[source.name, 200]))
        yield f"| {source.name} | {found.sd:.3f} | {found.deff:.2f} | {source.ties:.0%} | {cells} | {formula} | {_enough(source, formula, runs)} |"


def _right(found: Sets) -> tuple[float, float]:
    """Return how often no change passes, and how often a drop of twice the margin has regressed."""
    return shares(found, 0.0)["pass"], shares(found, 2 * MARGIN)["regressed"]


def _enough(source: Noise, start: int, runs: int) -> int:
    """Return the first of start, 1.05 start, 1.1 start, ... questions at which both right verdicts come at least four times in five."""
    step = max(1, start // 20)
    return next(n for n in count(start, step) if min(_right(sets(source, n, runs))) >= POWER)


def filled(page: str, lines: Sequence[str]) -> str:
    """Return the page with these lines between its two marks. Raises `ConfigError` for a page without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ConfigError(f"{PAGE}: the marks {BEGIN} and {END} are not there")
    return "\n".join([before + begin, *lines, end + after])


def measured(out: Path, runtime: Runtime) -> Path:
    """Run the configurations on the handbook, or find them finished, and return the folder."""
    from eval.runner import run as evaluate
    from rag.config import load

    configs = {name: load(Path(f"configs/{name}.yaml")) for name in (BASELINE, *OTHERS)}
    evaluate(configs, Path("data/handbook"), Path("data/questions.jsonl"), out, metrics=METRICS, runtime=runtime)
    return out


@app.command()
def main(
    runs: Annotated[int, typer.Option("--runs", min=1, help="Sets of questions per size and source of noise.")] = 3000,
    folder: Annotated[Path | None, typer.Option("--run", help="A finished run of the three configurations; default: made in out/simulation.")] = None,
    page: Annotated[Path, typer.Option("--page", help="Page to write the tables into.")] = PAGE,
) -> None:
    """Simulate the gate and two simpler rules, and write the tables into the page."""
    runtime = Runtime()
    where = folder or measured(Path("out/simulation"), runtime)
    sources = [noise(where, BASELINE, other, metric) for other in OTHERS for metric in METRICS]
    drawn: dict[tuple[str, int], Sets] = {}
    lines = [f"{runs:,} sets of questions per size and source of noise, {len(sources)} sources, margin {MARGIN:g}. Shares over all sources:", ""]
    lines += [*overall(sources, runs, drawn, runtime), "", "By source of noise:", "", *by_source(sources, runs, drawn, runtime)]
    page.write_text(filled(page.read_text(encoding="utf-8"), lines), encoding="utf-8")
    note(f"wrote the tables into {page}")


if __name__ == "__main__":
    sys.exit(run(app))
