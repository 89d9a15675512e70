"""The command `rag-eval prefer`: two configurations' answers, compared by a judge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from eval.app import Folder, Json, Record, app
from rag.shell import emit, note


@app.command("prefer")
def prefer_command(
    folder: Folder,
    a: Annotated[str, typer.Argument(help="Name of one configuration.")],
    b: Annotated[str, typer.Argument(help="Name of the other.")],
    judge: Annotated[str, typer.Option("--judge", help="Who compares: a .yaml file, or YAML such as '{use: chat, chat: {use: openai, model: NAME}}'.")],
    corpus: Annotated[Path | None, typer.Option("--corpus", help="What the run was made on; not needed for answers from `rag-eval score`.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Compare only the first so many questions.")] = None,
    record: Record = None,
    as_json: Json = False,
) -> None:
    """Have a judge say whose answer is better, question by question, in both orders; writes DIR/preferences-A-B.jsonl and resumes."""
    from eval.preference import prefer_run
    from rag.runtime import Runtime

    runtime = Runtime(record=record)
    body = prefer_run(folder, a, b, judge, corpus, limit, runtime)
    note(f"done anew: {runtime.work.judgements} judgements, {runtime.work.completions} completions; every verdict is in {body['file']}")
    emit({**body, "work": runtime.work.as_dict()}, as_json, lambda: text(body))


def text(body: dict[str, Any]) -> str:
    """Return the result in words: the difference, what it rests on, and what speaks against it."""
    a, b = body["a"], body["b"]
    lines = [f"share that prefers {a} minus share that prefers {b}; 95 % interval over documents; judge: {body['judge']['use']}"]
    lines.append(_line("all", body))
    if body["by_rule"]:
        lines.append(_line("judge alone", body["asked"]))
        lines.append("without asking: " + ", ".join(f"{n} {why}" for why, n in body["by_rule"].items()))
    if body["asked"]["scored"]:
        share = body["position"]["share_first"]
        lines.append(f"order of the answers changed {body['inconsistent']} of {body['asked']['scored']} verdicts, which count as ties")
        if share is not None:
            lines.append(f"the answer shown first was preferred in {share:.0%} of the askings that chose one; 50 % is no bias")
    if body["missing"]:
        few = "" if body["covered"] else "; too few are left to decide anything"
        lines.append(f"no verdict: {', '.join(f'{n} {why}' for why, n in body['missing'].items())} of {body['n']}{few}")
    lines.append("no certificate speaks of preferences: how often this judge prefers the worse answer is not known")
    return "\n".join([*lines, *body["warnings"]])


def _line(name: str, figures: dict[str, Any]) -> str:
    if not figures["scored"]:
        return f"{name}: no question has a verdict"
    f = figures
    interval = f"{f['delta']:+.3f} [{f['low']:+.3f}, {f['high']:+.3f}]  p {f['p']:.4f}"
    return f"{name}: {interval}  wins {f['wins']} losses {f['losses']} ties {f['ties']}  n {f['scored']}"
