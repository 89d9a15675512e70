"""A sweep: measure a grid on some questions, name what cannot be told from the best, and see what other questions say of the simplest of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from eval.budget import Budget, Meter, Metered, OverBudget, check_prices
from eval.judges.spec import JudgeSpec
from eval.matrix import BASE, Grid, Matrix, expand
from eval.plan import plan
from eval.runner import Lock, run_task
from eval.sweep_calls import per_chunk, per_question
from eval.sweep_confirm import confirm
from eval.sweep_judge import chats
from eval.sweep_peek import Peek
from eval.sweep_select import select
from eval.sweep_speed import Speeds, measured
from eval.sweep_split import split
from eval.task import Task, prepare
from rag.errors import ConfigError
from rag.index.manifest import write_json
from rag.loaders.limits import Limits
from rag.pipeline import Pipeline
from rag.runtime import Runtime

SELECT, CONFIRM, FILE = "select", "confirm", "sweep.json"
Need = Mapping[str, float]
NOTHING: Need = {"calls": 0.0, "seconds": 0.0, "money": 0.0}


class Gate:
    """Admits a configuration when the budget covers what it is estimated to need, and notes what was left out and why."""

    def __init__(self, meter: Meter, needs: Mapping[str, Need], reserve: Callable[[str], Need]) -> None:
        """Take the estimates by name, and what has to stay for later when one is begun."""
        self._meter, self._needs, self._reserve = meter, needs, reserve
        self.left_out: dict[str, str] = {}

    def __call__(self, name: str, make: Callable[[], Lock]) -> Lock | None:
        """Evaluate a configuration, or return None where the budget does not allow it."""
        later = self._reserve(name)
        need = {k: self._needs[name][k] + later[k] for k in NOTHING}
        if why := self._meter.lacks(need):
            self.left_out[name] = f"not begun: {why}"
            return None
        try:
            return make()
        except OverBudget as error:
            self.left_out[name] = f"stopped: {error}; what was done is remembered"
            return None


def sweep(  # noqa: PLR0913  # what can be said of a sweep is a parameter of its own, as of a run
    matrix: Matrix, corpus: str | Path, questions: str | Path, out: str | Path, *, metrics: Sequence[str] = (), judge: str | JudgeSpec = "embedded",
    certificate: str | Path | None = None, limit: int | None = None, latency_questions: int | None = None, record: Path | None = None, show_progress: bool | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Run a sweep and return what `out/sweep.json` holds; `out/select` and `out/confirm` are ordinary runs.

    `metrics` are measured besides the criterion. What is finished or remembered is not done again. Raises what expanding, reading and
    evaluating raise; a budget that is used up raises nothing: what was left out is listed.
    """
    grid, out = expand(matrix), Path(out)
    check_prices([*chats(judge), *(a.chat for p in grid.pipelines.values() for a in (*per_question(p), *per_chunk(p)))], matrix.budget)
    meter = Meter(matrix.budget)
    runtime = Metered(meter, record=record, show_progress=show_progress)
    names = list(dict.fromkeys([matrix.metric, *metrics]))
    task = tasked(grid, corpus, questions, names, judge, certificate, limit, runtime, latency_questions)
    first, second = splits(task, matrix)
    speeds = measured([out / SELECT, out / CONFIRM])
    chosen = _select(grid, first, second, judge, out, runtime, speeds, matrix)
    confirmed = _confirm(grid, chosen, second, judge, out, runtime, speeds, matrix)
    body = {
        "metric": matrix.metric, "margin": matrix.margin, "seed": matrix.seed, "configs": list(grid.pipelines), "merged": dict(grid.merged),
        "questions": {part: {"n": len(t.questions), "digest": t.questions_digest} for part, t in (("selection", first), ("confirmation", second))},
        "selection": chosen[1], "confirmation": confirmed,
        "budget": {**asdict(matrix.budget), "spent": meter.spent()}, "left_out": {SELECT: chosen[2], CONFIRM: confirmed.pop("left_out")},
        "judge": task.judge.identity["use"], "work": runtime.work.as_dict(),
    }  # fmt: skip
    write_json(out / FILE, body)
    return body


def tasked(
    grid: Grid, corpus: str | Path, questions: str | Path, metrics: Sequence[str], judge: str | JudgeSpec,
    certificate: str | Path | None, limit: int | None, runtime: Runtime, latency_questions: int | None = None,
) -> Task:  # fmt: skip
    """Return what the configurations of a grid are measured on."""
    most = Limits.widest([Limits.from_options(p.index) for p in grid.pipelines.values()])
    return prepare(
        Path(corpus), Path(questions), metrics, judge, limit, most, runtime, Path(certificate) if certificate is not None else None, latency_questions
    )


def splits(task: Task, matrix: Matrix) -> tuple[Task, Task]:
    """Return the task with the questions for selection, and the one with those for confirmation."""
    first, second = split(task.questions, matrix.confirm, matrix.seed)
    return replace(task, questions=first), replace(task, questions=second)


Selected = tuple[dict[str, Any], dict[str, Any], dict[str, str]]


def _needs(
    pipelines: Mapping[str, Pipeline], task: Task, judge: str | JudgeSpec, out: Path, runtime: Metered, speeds: Speeds, indexed: bool
) -> dict[str, Need]:
    """Return the estimate of each configuration, of nothing where there is no budget to hold it against."""
    if runtime.meter.budget == Budget():
        return dict.fromkeys(pipelines, NOTHING)
    peek = Runtime(memo=Peek(), show_progress=False)
    peek._encoders, peek._tokenizers, peek._chats = runtime._encoders, runtime._tokenizers, runtime._chats
    return dict(plan(pipelines, task, judge, [out], peek, speeds, indexed)["configs"])


def _select(grid: Grid, first: Task, second: Task, judge: str | JudgeSpec, out: Path, runtime: Metered, speeds: Speeds, matrix: Matrix) -> Selected:
    """Return the summary of the selection run, what it says, and what was left out. What confirming the base and one more takes stays in reserve."""
    needs = _needs(grid.pipelines, first, judge, out / SELECT, runtime, speeds, False)
    later = _needs(grid.pipelines, second, judge, out / CONFIRM, runtime, speeds, True)

    def reserve(name: str) -> Need:
        return {k: sum(later[n][k] for n in {name, BASE}) for k in NOTHING}

    gate = Gate(runtime.meter, needs, reserve)
    summary = run_task(grid.pipelines, first, out / SELECT, runtime, gate)
    if not summary["configs"]:
        raise ConfigError(f"budget: not one configuration could be measured ({next(iter(gate.left_out.values()))}); raise it, or give --limit")
    return summary, select(out / SELECT, summary, grid.pipelines, matrix.metric, matrix.margin, matrix.seed), gate.left_out


def _confirm(
    grid: Grid, selected: Selected, second: Task, judge: str | JudgeSpec, out: Path, runtime: Metered, speeds: Speeds, matrix: Matrix
) -> dict[str, Any]:
    """Return what the other questions say of the tied set and the base; those that the verdict needs are measured first."""
    summary, chosen, _ = selected
    if chosen["best"] is None:
        return {"verdict": "not_confirmed", "says": f"no configuration has enough values of {matrix.metric} to choose by", "left_out": {}}
    urgent = list(dict.fromkeys([chosen["chosen"], BASE, chosen["best"]]))
    wanted = list(dict.fromkeys([*urgent, *chosen["tied"]]))
    needs = _needs({n: grid.pipelines[n] for n in wanted}, second, judge, out / CONFIRM, runtime, speeds, True)
    gate = Gate(runtime.meter, needs, lambda _: NOTHING)
    rounds = [wanted] if wanted == urgent or runtime.meter.budget == Budget() else [urgent, wanted]
    for names in rounds:
        members = {n: grid.pipelines[n] for n in names if n not in gate.left_out}
        confirmed = run_task(members, second, out / CONFIRM, runtime, gate) if members else {"configs": {}}
    body = confirm(out / CONFIRM, summary, confirmed, matrix.metric, chosen["chosen"], chosen["best"], BASE, wanted, matrix.seed)
    return {**body, "left_out": gate.left_out}
