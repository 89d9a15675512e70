"""The commands that say why: `rag-eval explain` and `rag-eval show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from eval.app import Folder, Json, JudgeName, MetricNames, app, chosen
from rag.errors import ConfigError
from rag.shell import emit, note

Name = Annotated[str, typer.Argument(help="Name of the configuration.")]
MadeOn = Annotated[Path, typer.Option("--corpus", help="What the run was made on; refused when it is another corpus.")]


@app.command("explain")
def explain_command(
    folder: Folder,
    config: Name,
    corpus: MadeOn,
    against: Annotated[str | None, typer.Option(help="Another configuration of the run: where does the difference come from?")] = None,
    measure: Annotated[str, typer.Option(help="What the points are of: span_recall, any_evidence or all_evidence.")] = "span_recall",
    worth: Annotated[bool, typer.Option("--worth", help="Run the configuration again with one part left out at a time, and say what each is worth.")] = False,
    questions: Annotated[Path | None, typer.Option("--questions", help="For --worth: the questions of the run.")] = None,
    metrics: MetricNames = None,
    judge: JudgeName = "embedded",
    as_json: Json = False,
) -> None:
    """Say at which stage evidence was lost, summed to a waterfall; with --against, where a difference comes from; with --worth, what parts earn."""
    from eval.explain.account import Measure
    from rag.runtime import Runtime

    if measure not in get_args(Measure):
        raise ConfigError(f"--measure {measure!r} is not one of: {', '.join(get_args(Measure))}")
    if worth and against is not None:
        raise ConfigError("--worth and --against are two questions; ask one at a time")
    runtime = Runtime()
    if worth:
        _worth(folder, config, corpus, questions, metrics, judge, runtime, as_json)
        return
    _explain(folder, config, against, corpus, measure, runtime, as_json)


def _explain(folder: Path, config: str, against: str | None, corpus: Path, measure: Any, runtime: Any, as_json: bool) -> None:
    from eval.explain.difference import difference
    from eval.explain.explained import explain
    from eval.explain.opened import open_run
    from eval.explain.text import difference_text, waterfall_text
    from eval.explain.waterfall import waterfall

    names = [config] if against is None else list(dict.fromkeys([config, against]))
    run = open_run(folder, names, corpus)
    found = {name: explain(run, name, measure, runtime) for name in names}
    falls = [waterfall(found[name], run.clusters) for name in names]
    body: dict[str, Any] = {"folder": str(folder), "configs": {f["config"]: f for f in falls}}
    texts = [waterfall_text(f) for f in falls]
    if against is not None:
        body["difference"] = difference(found[config], found[against], run.clusters)
        texts.append(difference_text(body["difference"]))
    body["work"] = runtime.work.as_dict()
    emit(body, as_json, lambda: "\n\n".join(texts))


def _worth(folder: Path, config: str, corpus: Path, questions: Path | None, metrics: str | None, judge: str, runtime: Any, as_json: bool) -> None:
    from eval.explain.text import worth_text
    from eval.explain.worth import METRICS, worth

    if questions is None:
        raise ConfigError("--worth answers the questions again; give the file of the run with --questions")
    body = worth(folder, config, corpus, questions, chosen(metrics, METRICS), judge, runtime)
    note(f"done anew: {runtime.work.encodes} encodes, {runtime.work.searches} searches, {runtime.work.judgements} judgements, {runtime.work.writes} writes")
    emit(body, as_json, lambda: worth_text(body))


@app.command("show")
def show_command(
    folder: Folder,
    config: Name,
    question: Annotated[str, typer.Argument(help="Id of the question.")],
    corpus: MadeOn,
    most: Annotated[int, typer.Option(min=1, help="Show so many hits of each list, and every later one that holds evidence.")] = 5,
    as_json: Json = False,
) -> None:
    """Replay one question: evidence, ranks and scores at every stage, the context, the answer, and the verdicts on its claims."""
    from eval.explain.opened import open_run
    from eval.explain.show import show
    from eval.explain.show_text import show_text
    from rag.runtime import Runtime

    run = open_run(folder, [config], corpus)
    body = show(run, config, question, Runtime())
    emit(body, as_json, lambda: show_text(body, most))
