"""The command `rag-eval`: run, compare, report; what judges, scores and questions need has modules of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from eval import cli_certify, cli_doctor, cli_formats, cli_gate, cli_prefer, cli_questions, cli_score
from eval.app import Corpus, Folder, Json, JudgeName, MetricNames, Out, Questions, Record, app, chosen, named
from rag.errors import StoreError
from rag.shell import emit, note, run

MODULES = (cli_certify, cli_doctor, cli_formats, cli_gate, cli_prefer, cli_questions, cli_score)  # each adds its commands to `app` when it is imported


@app.command("run")
def run_command(
    configs: Annotated[list[Path], typer.Argument(help="Configuration files; the file name is the name.")],
    corpus: Corpus,
    questions: Questions,
    out: Out,
    metrics: MetricNames = None,
    judge: JudgeName = "embedded",
    certificate: Annotated[Path | None, typer.Option(help="What `rag-eval certify` wrote about the judge; default: one that ships.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask only the first so many questions.")] = None,
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
    summary = evaluate(named(configs), corpus, questions, out, metrics=names, judge=judge, certificate=certificate, limit=limit, runtime=runtime)
    work = runtime.work
    counts = f"{work.encodes} encodes, {work.searches} searches, {work.judgements} judgements, {work.writes} writes"
    note(f"done anew: {counts}, {work.completions} completions, {work.pairs} pairs; all is in {out}")
    emit({**summary, "work": work.as_dict()}, as_json, lambda: leaderboard(summary))


@app.command("compare")
def compare_command(
    folder: Folder,
    a: Annotated[str, typer.Argument(help="Name of one configuration.")],
    b: Annotated[str, typer.Argument(help="Name of the other.")],
    metric: Annotated[list[str] | None, typer.Option(help="Metric to compare; repeat for more; default: all of the run.")] = None,
    as_json: Json = False,
) -> None:
    """Compare two configurations of a run, paired by question: delta is A minus B."""
    from eval.pairs import pair

    body = pair(folder, a, b, metric)
    emit(body, as_json, lambda: _compare_text(body))


def _compare_text(body: dict[str, Any]) -> str:
    lines = [f"{body['a']} minus {body['b']}, paired by question, 95 % interval over documents, p adjusted for {len(body['metrics'])} metrics (Holm)"]
    for name, m in body["metrics"].items():
        if m["n"] == 0:
            lines.append(f"{name:22} no question has a value on both sides{_lost(m, body)}")
            continue
        figures = f"{m['delta']:+.3f} [{m['low']:+.3f}, {m['high']:+.3f}]  p {m['p_adjusted']:.4f}  wins {m['wins']} losses {m['losses']} ties {m['ties']}"
        lines.append(f"{name:22} {figures}  n {m['n']}{_lost(m, body)}")
    judged = body["judged"]
    return "\n".join([*lines, *([judged["line"], *judged["warnings"]] if judged else [])])


def _lost(figures: dict[str, Any], body: dict[str, Any]) -> str:
    """Return how many questions one side has a value for and the other has not."""
    lost = figures["lost"]
    sides = [f"{lost[side]} without a value in {body[side]}" for side in ("a", "b") if lost[side]]
    return f"  ({', '.join(sides)})" if sides else ""


@app.command("report")
def report_command(folder: Folder, output: Annotated[Path, typer.Option("-o", "--output", help="HTML file to write.")], as_json: Json = False) -> None:
    """Write one self-contained HTML page of a run."""
    from eval.report.page import page

    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise StoreError(f"{folder}: there is no finished run; make one with `rag-eval run ... --out {folder}`") from None
    text = page(summary, folder)
    output.write_text(text, encoding="utf-8")
    emit({"report": str(output), "bytes": len(text.encode())}, as_json, lambda: f"wrote {output} ({len(text.encode()) / 1024:.0f} KB)")


def main() -> None:
    """Entry point of the command."""
    sys.exit(run(app))
