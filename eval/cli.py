"""The command `rag-eval`: run, report; what judges, scores and questions need has modules of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from eval import cli_certify, cli_compare, cli_doctor, cli_explain, cli_formats, cli_gate, cli_parts, cli_prefer, cli_questions, cli_score, cli_sweep
from eval.app import Certificate, Corpus, Folder, Json, JudgeName, LatencyQuestions, Limit, MetricNames, Out, Questions, Record, app, chosen, named
from rag.errors import StoreError
from rag.shell import emit, note, run

# Each adds its commands to `app` when it is imported.
MODULES = (cli_certify, cli_compare, cli_doctor, cli_explain, cli_formats, cli_gate, cli_parts, cli_prefer, cli_questions, cli_score, cli_sweep)


@app.command("run")
def run_command(  # noqa: PLR0913, PLR0917  # an option of the command line is a parameter
    configs: Annotated[list[Path], typer.Argument(help="Configuration files; the file name is the name.")],
    corpus: Corpus,
    questions: Questions,
    out: Out,
    metrics: MetricNames = None,
    judge: JudgeName = "embedded",
    certificate: Certificate = None,
    limit: Limit = None,
    latency_questions: LatencyQuestions = None,
    record: Record = None,
    as_json: Json = False,
) -> None:
    """Index once per distinct prefix, answer, score, and print the leaderboard; resumes where it stopped."""
    from eval.leaderboard import leaderboard
    from eval.metrics import DEFAULT_METRICS
    from eval.runner import run as evaluate
    from rag.runtime import Runtime

    runtime = Runtime(record=record)
    names = chosen(metrics, DEFAULT_METRICS)
    summary = evaluate(
        named(configs), corpus, questions, out, metrics=names, judge=judge, certificate=certificate, limit=limit, latency_questions=latency_questions,
        runtime=runtime,
    )  # fmt: skip
    work = runtime.work
    counts = f"{work.encodes} encodes, {work.searches} searches, {work.judgements} judgements, {work.writes} writes"
    note(f"done anew: {counts}, {work.completions} completions, {work.pairs} pairs; all is in {out}")
    emit({**summary, "work": work.as_dict()}, as_json, lambda: leaderboard(summary))


@app.command("report")
def report_command(
    folder: Folder,
    output: Annotated[Path, typer.Option("-o", "--output", help="HTML file to write.")],
    corpus: Annotated[
        Path | None, typer.Option(help="What the run was made on: adds the text of the documents and the stage at which evidence was lost.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write one self-contained HTML page of a run."""
    from eval.report.page import page
    from eval.report.source import NONE, read_source
    from rag.runtime import Runtime

    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise StoreError(f"{folder}: there is no finished run; make one with `rag-eval run ... --out {folder}`") from None
    if corpus is not None and not corpus.exists():
        raise StoreError(f"{corpus}: there is nothing; give --corpus the folder that the run was made on, or leave it out")
    source = NONE if corpus is None else read_source(summary, folder, corpus, Runtime())
    text = page(summary, folder, source)
    output.write_text(text, encoding="utf-8")
    whys: dict[str, list[str]] = {}
    for name, why in source.unexplained.items():
        whys.setdefault(why, []).append(name)
    for why in [source.why, *(f"not replayed: {', '.join(names)}: {why}" for why, names in whys.items())]:
        if why:
            note(f"note: {why}")
    emit({"report": str(output), "bytes": len(text.encode())}, as_json, lambda: f"wrote {output} ({len(text.encode()) / 1024:.0f} KB)")


def main() -> None:
    """Entry point of the command."""
    sys.exit(run(app))
