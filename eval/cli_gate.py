"""The commands that hold a run against a baseline: `rag-eval accept` and `rag-eval gate`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from eval.app import Folder, Json, app
from rag.errors import RagError
from rag.shell import emit, note

if TYPE_CHECKING:
    from eval.gate import Gate
    from eval.gate_policy import Policy

Name = Annotated[str, typer.Argument(help="Name of the configuration.")]
Baseline = Annotated[Path, typer.Option("--baseline", help="The file that `rag-eval accept` writes.")]


@app.command("accept")
def accept_command(folder: Folder, config: Name, baseline: Baseline, as_json: Json = False) -> None:
    """Write the baseline that later runs are held against: the scores of one configuration and what they were measured on."""
    from eval.baseline import accept

    found = accept(folder, config, baseline)
    body = {"baseline": str(baseline), "config": config, "metrics": sorted(found.scores), "questions": len(found.clusters)}
    emit(body, as_json, lambda: f"wrote {baseline}: {config}, {len(found.scores)} metrics on {len(found.clusters)} questions")


@app.command("gate")
def gate_command(
    folder: Folder,
    config: Name,
    baseline: Baseline,
    policy: Annotated[Path | None, typer.Option(help="What is demanded; default: eval/gate.yaml of the package.")] = None,
    counts: Annotated[
        list[Path] | None, typer.Option(help="What another command counted that must never happen, for a name under zero: of the policy; repeat.")
    ] = None,
    on_inconclusive: Annotated[str | None, typer.Option(help="fail, warn or pass; default: what the policy says.")] = None,
    junit: Annotated[Path | None, typer.Option(help="File to write JUnit XML to.")] = None,
    summary: Annotated[Path | None, typer.Option(help="File to add a Markdown summary to; default: $GITHUB_STEP_SUMMARY where it is set.")] = None,
    as_json: Json = False,
) -> None:
    """Hold a run against a baseline. Exit: 0 pass, 1 regressed, 3 inconclusive, 4 not comparable, 5 the gate could not run."""
    from eval.gate import COULD_NOT_RUN
    from eval.gate_run import hold

    try:
        found, held = hold(folder, config, baseline, policy, on_inconclusive, counts or ())
        _written(found, held, junit, summary)
    except RagError as error:
        _could_not(error, COULD_NOT_RUN)
    from eval.gate_outputs import text

    emit(found.as_dict(), as_json, lambda: text(found, held))
    raise typer.Exit(found.exit_code(held))


def _could_not(error: RagError, code: int) -> NoReturn:
    note(f"error: {' '.join(str(error).split())}")
    raise typer.Exit(code)


def _written(found: Gate, policy: Policy, junit: Path | None, summary: Path | None) -> None:
    from eval import gate_outputs
    from rag.errors import StoreError

    step = os.environ.get("GITHUB_STEP_SUMMARY")
    target = summary or (Path(step) if step else None)
    try:
        if junit is not None:
            junit.write_text(gate_outputs.junit(found, policy), encoding="utf-8")
        if target is not None:
            with target.open("a", encoding="utf-8") as file:
                file.write(gate_outputs.markdown(found, policy))
    except OSError as error:
        raise StoreError(f"{error.filename}: cannot be written ({error.strerror}); give another path") from None
