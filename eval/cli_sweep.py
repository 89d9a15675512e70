"""The commands `rag-eval sweep` and `rag-eval plan`: a grid of configurations with a choice that is confirmed, and what a run would take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eval.app import Certificate, Corpus, Json, JudgeName, LatencyQuestions, Limit, MetricNames, Out, Questions, Record, app, chosen, named
from rag.errors import ConfigError
from rag.shell import emit, note

if TYPE_CHECKING:
    from eval.matrix import Grid
    from eval.task import Task
    from rag.runtime import Runtime


@app.command("sweep")
def sweep_command(  # noqa: PLR0913, PLR0917  # an option of the command line is a parameter
    matrix: Annotated[Path, typer.Argument(help="YAML file with base: and matrix:, see docs/sweep.md.")],
    corpus: Corpus,
    questions: Questions,
    out: Out,
    metrics: MetricNames = None,
    judge: JudgeName = "embedded",
    certificate: Certificate = None,
    limit: Limit = None,
    latency_questions: LatencyQuestions = None,
    budget: Annotated[
        list[str] | None, typer.Option(help="calls=N, seconds=N or money=N at most; repeat for more. What the matrix says counts for the rest.")
    ] = None,
    record: Record = None,
    as_json: Json = False,
) -> None:
    """Expand a matrix, choose on some questions, confirm on others: the tied set and its simplest member; resumes where it stopped."""
    from dataclasses import replace

    from eval.matrix import read
    from eval.sweep import FILE, sweep
    from eval.sweep_text import sweep_text

    asked = read(matrix)
    asked = replace(asked, budget=asked.budget.limited(budget or ()))
    names = chosen(metrics, (asked.metric,))
    body = sweep(
        asked, corpus, questions, out, metrics=names, judge=judge, certificate=certificate, limit=limit, latency_questions=latency_questions, record=record
    )
    note(f"the runs are in {out / 'select'} and {out / 'confirm'}, what came of them in {out / FILE}")
    emit(body, as_json, lambda: sweep_text(body))


@app.command("plan")
def plan_command(  # noqa: PLR0913, PLR0917  # an option of the command line is a parameter
    configs: Annotated[list[Path], typer.Argument(help="Configuration files as for `run`, or one matrix as for `sweep`.")],
    corpus: Corpus,
    questions: Questions,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the run: what is finished there needs nothing, and its times are used.")] = None,
    metrics: MetricNames = None,
    judge: JudgeName = "embedded",
    certificate: Certificate = None,
    limit: Limit = None,
    latency_questions: LatencyQuestions = None,
    record: Record = None,
    as_json: Json = False,
) -> None:
    """Say what a run or a sweep would build, reuse and call, with estimated seconds, tokens and money; does nothing."""
    from eval.matrix import is_matrix
    from eval.plan import check_record
    from eval.sweep_text import plan_text

    grids = [path for path in configs if is_matrix(path)]
    if grids and len(configs) > 1:
        raise ConfigError(f"{grids[0]}: is a matrix, and a matrix is planned alone; give it without other files")
    if record is not None:
        check_record(record)
    asked = _Asked(corpus, questions, out, metrics, judge, certificate, limit, latency_questions)
    body = _sweep_plan(grids[0], asked) if grids else _run_plan(configs, asked)
    emit(body, as_json, lambda: plan_text(body))


@dataclass(frozen=True)
class _Asked:
    """What both kinds of plan are made of, as the options say it."""

    corpus: Path
    questions: Path
    out: Path | None
    metrics: str | None
    judge: str
    certificate: Path | None
    limit: int | None
    latency_questions: int | None

    def task(self, grid: Grid, names: list[str], runtime: Runtime) -> Task:
        from eval.sweep import tasked

        return tasked(grid, self.corpus, self.questions, names, self.judge, self.certificate, self.limit, runtime, self.latency_questions)


def _run_plan(configs: list[Path], asked: _Asked) -> dict[str, Any]:
    from eval.matrix import Grid
    from eval.metrics import DEFAULT_METRICS
    from eval.plan import plan
    from eval.sweep_peek import Peek
    from eval.sweep_speed import measured
    from rag.runtime import Runtime

    runtime = Runtime(memo=Peek())
    pipelines = named(configs)
    task = asked.task(Grid(pipelines, {}), chosen(asked.metrics, DEFAULT_METRICS), runtime)
    folders = [asked.out] if asked.out is not None else []
    return plan(pipelines, task, asked.judge, folders, runtime, measured(folders))


def _sweep_plan(path: Path, asked: _Asked) -> dict[str, Any]:
    """Return the plan of the selection, with that of confirming every configuration beside it: the tied set is not known before."""
    from eval.matrix import expand, read
    from eval.plan import plan
    from eval.sweep import CONFIRM, SELECT, splits
    from eval.sweep_peek import Peek
    from eval.sweep_speed import measured
    from rag.runtime import Runtime

    runtime = Runtime(memo=Peek())
    matrix = read(path)
    grid = expand(matrix)
    names = list(dict.fromkeys([matrix.metric, *chosen(asked.metrics, (matrix.metric,))]))
    first, second = splits(asked.task(grid, names, runtime), matrix)
    folders = [[asked.out / part] if asked.out is not None else [] for part in (SELECT, CONFIRM)]
    speeds = measured([f for part in folders for f in part])
    body = plan(grid.pipelines, first, asked.judge, folders[0], runtime, speeds)
    later = plan(grid.pipelines, second, asked.judge, folders[1], runtime, speeds, indexed=True)
    return {**body, "merged": dict(grid.merged), "confirmation": {k: later[k] for k in ("questions", "configs", "total")}}
