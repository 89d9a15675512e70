"""The command `rag-eval`: run, compare, report."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.errors import ConfigError, StoreError
from rag.shell import emit, note, run

if TYPE_CHECKING:
    from rag.pipeline import Pipeline

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure configurations against each other on questions with known evidence.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Folder = Annotated[Path, typer.Argument(help="The folder of a run.")]


@app.callback()
def _commands() -> None:
    """Keep sub-commands even while there is one."""


@app.command("run")
def run_command(
    configs: Annotated[list[Path], typer.Argument(help="Configuration files; the file name is the name.")],
    corpus: Annotated[Path, typer.Option(help="Folder of documents, or a BEIR folder.")],
    questions: Annotated[Path, typer.Option(help="JSON Lines file of questions, or a BEIR folder.")],
    out: Annotated[Path, typer.Option(help="Folder to write the run to.")],
    metrics: Annotated[str | None, typer.Option(help="Names joined by commas; default: all but latency_ms.")] = None,
    judge: Annotated[str, typer.Option(help="Who judges claims.")] = "embedded",
    limit: Annotated[int | None, typer.Option(min=1, help="Ask only the first so many questions.")] = None,
    record: Annotated[Path | None, typer.Option(help="File to which the completions of chat models are added, for the chat model `recorded`.")] = None,
    as_json: Json = False,
) -> None:
    """Index once per distinct prefix, answer, score, and print the leaderboard; resumes where it stopped."""
    from eval.leaderboard import leaderboard
    from eval.metrics import DEFAULT_METRICS
    from eval.runner import run as evaluate
    from rag.runtime import Runtime

    runtime = Runtime(record=record)
    names = [n for n in metrics.split(",") if n.strip()] if metrics is not None else list(DEFAULT_METRICS)
    if not names:
        raise ConfigError("--metrics names none; leave it out for the default")
    summary = evaluate(named(configs), corpus, questions, out, metrics=names, judge=judge, limit=limit, runtime=runtime)
    work = runtime.work
    counts = f"{work.encodes} encodes, {work.searches} searches, {work.judgements} judgements, {work.writes} writes"
    note(f"done anew: {counts}, {work.completions} completions, {work.pairs} pairs; all is in {out}")
    emit({**summary, "work": work.as_dict()}, as_json, lambda: leaderboard(summary))


def named(paths: list[Path]) -> dict[str, Pipeline]:
    """Return the pipelines of configuration files by file name without suffix. Raises `ConfigError` for a name used twice."""
    from rag.config import load

    found: dict[str, Pipeline] = {}
    for path in paths:
        if path.stem in found:
            raise ConfigError(f"{path}: another configuration is called {path.stem!r} too; rename one")
        found[path.stem] = load(path)
    return found


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
            lines.append(f"{name:22} no question has a value on both sides")
            continue
        lines.append(
            f"{name:22} {m['delta']:+.3f} [{m['low']:+.3f}, {m['high']:+.3f}]  p {m['p_adjusted']:.4f}  wins {m['wins']} losses {m['losses']} ties {m['ties']}  n {m['n']}"
        )
    return "\n".join(lines)


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
