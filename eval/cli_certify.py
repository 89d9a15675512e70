"""The commands `certify`, `label` and `correct` of `rag-eval`: what a judge's verdicts are worth, and rates without its errors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eval.app import Corpus, Folder, Json, JudgeName, app
from rag.shell import emit, note

CertificateFile = Annotated[Path | None, typer.Option("--certificate", help="What `rag-eval certify` wrote about the judge; default: one that ships.")]


@app.command("certify")
def certify_command(
    labels: Annotated[list[Path], typer.Option("--labels", help="JSON Lines file of labelled rows; repeat for more: each file is a slice.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Certificate to write.")],
    judge: JudgeName = "embedded",
    limit: Annotated[int | None, typer.Option(min=1, help="Judge only the first so many rows of each file.")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="How often in all a row is judged to see whether the verdict stays; 1: not again.")] = 2,
    probes: Annotated[int, typer.Option(min=0, help="How many rows are judged again, for that and with their contexts reversed.")] = 500,
    as_json: Json = False,
) -> None:
    """Measure a judge on labelled rows and write its certificate; goes on where it stopped."""
    from eval.certificate_text import text
    from eval.certify import certify
    from rag.index.manifest import write_json
    from rag.runtime import Runtime

    runtime = Runtime()
    body = certify(judge, labels, limit=limit, repeat=repeat, probes=probes, runtime=runtime)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_json(output, body)
    note(f"done anew: {runtime.work.judgements} judgements, {runtime.work.completions} completions; wrote {output}")
    emit(body, as_json, lambda: text(body))


@app.command("label")
def label_command(
    folder: Folder,
    config: Annotated[str, typer.Argument(help="Name of the configuration whose claims to label.")],
    corpus: Corpus,
    output: Annotated[Path, typer.Option("-o", "--output", help="JSON Lines file to write, for a person to fill in.")],
    n: Annotated[int, typer.Option("-n", min=1, help="How many claims.")] = 50,
    metric: Annotated[str, typer.Option(help="Metric whose claims to label.")] = "faithfulness",
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other claims.")] = 0,
    as_json: Json = False,
) -> None:
    """Draw claims of a run at random for a person to label: fill in `supported`, then give the file to `rag-eval correct`."""
    from eval.labelling_run import draw
    from eval.records import write_jsonl
    from rag.errors import ConfigError

    if output.exists():
        raise ConfigError(f"{output} exists and may hold labels; give another -o, or remove it")
    rows, there = draw(folder, config, corpus, n, metric, seed)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_jsonl(output, rows)
    body = {"file": str(output), "config": config, "metric": metric, "rows": len(rows), "claims": there, "questions": len({r["question_id"] for r in rows})}
    told = f"wrote {len(rows)} of {there} claims from {body['questions']} questions to {output}; set supported to true or false in each row"
    emit(body, as_json, lambda: f"{told}, then run `rag-eval correct {folder} --labels {output}`")


@app.command("correct")
def correct_command(
    folder: Folder,
    labels: Annotated[Path | None, typer.Option("--labels", help="File of `rag-eval label`, filled in.")] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="What `rag-eval certify` wrote about the judge; default: that of the run, else one that ships.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the judged rates of a run without the judge's error, by labels of the run where there are some, else by the certificate."""
    from eval.certificate_text import corrections
    from eval.corrected_run import correct

    body = correct(folder, labels, certificate)
    emit(body, as_json, lambda: corrections(body))
