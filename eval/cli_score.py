"""The command `rag-eval score`: answers that another system made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from eval.app import Corpus, Json, JudgeName, MetricNames, Out, Questions, app, chosen
from rag.shell import emit, note


@app.command("score")
def score_command(
    answers: Annotated[list[Path], typer.Argument(help="JSON Lines files of answers, one system each; the file name is its name.")],
    corpus: Corpus,
    questions: Questions,
    out: Out,
    metrics: MetricNames = None,
    judge: JudgeName = "embedded",
    certificate: Annotated[Path | None, typer.Option(help="What `rag-eval certify` wrote about the judge; default: one that ships.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Score only the first so many questions.")] = None,
    as_json: Json = False,
) -> None:
    """Score answers and contexts from any other system by every metric that applies, and print the leaderboard; resumes where it stopped."""
    from eval.leaderboard import leaderboard
    from eval.metrics import DEFAULT_METRICS
    from eval.outside import score_answers
    from rag.runtime import Runtime

    runtime = Runtime()
    names = chosen(metrics, DEFAULT_METRICS)
    summary = score_answers(answers, corpus, questions, out, metrics=names, judge=judge, certificate=certificate, limit=limit, runtime=runtime)
    note(f"done anew: {runtime.work.judgements} judgements, {runtime.work.completions} completions; all is in {out}")
    emit({**summary, "work": runtime.work.as_dict()}, as_json, lambda: "\n".join([leaderboard(summary), *_told(summary)]))


def _told(summary: Mapping[str, Any]) -> list[str]:
    """Return per outside system what its figures rest on: one line each, and one more where something was missing."""
    lines = []
    for name, entry in summary["configs"].items():
        if "outside" not in entry:
            continue
        o = entry["outside"]
        contexts, abstained = o["contexts"], o["abstained"]
        placed = contexts["given"] + contexts["found"]
        parts = [f"{o['answers']} answers", f"{placed} of {sum(contexts.values())} contexts have a place in the corpus"]
        parts += [f"{contexts['nowhere']} are nowhere in it"] * bool(contexts["nowhere"]) + [f"{contexts['several']} are at several places"] * bool(
            contexts["several"]
        )
        parts += [f"{contexts['blank']} are blank"] * bool(contexts["blank"])
        parts += [f"{o['rankings']['from_contexts']} rankings are the order of the contexts"] * bool(o["rankings"]["from_contexts"])
        parts += [f"{o['missing']} questions have no answer"] * bool(o["missing"])
        parts += [f"{o['only_ranked']} rows only rank"] * bool(o["only_ranked"])
        parts += [f"{o['unplaced']} questions have no span metrics"] * bool(o["unplaced"]) + [f"{o['unranked']} no ranking metrics"] * bool(o["unranked"])
        parts += [f"{abstained['by_wording']} answers were taken for refusals by their wording"] * bool(abstained["by_wording"])
        parts += [f"{abstained['empty']} answers are empty"] * bool(abstained["empty"])
        lines.append(f"{name}: {'; '.join(parts)}")
    return lines
