"""`python -m eval.bench.judge_speed FOLDER`: how long the embedded judge takes for a thousand labelled answers that it has not met before."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from eval.bench import labels
from eval.bench.measured import Result, Table, write
from eval.judges.base import Ahead
from eval.scoring import BLOCK
from rag.memo import Memo
from rag.runtime import Runtime
from rag.shell import run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
WORDS = 120  # of a context
CONTEXTS = 5  # of an answer: what it is labelled by, cut, and passages of other answers


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="JSON Lines files of {contexts, question, answer, supported}.")],
    answers: Annotated[int, typer.Option(min=1, help="How many answers to judge.")] = 1000,
    out: Annotated[Path | None, typer.Option(help="Write the figures as JSON to this file too.")] = None,
) -> None:
    """Print how many claims were judged, how many texts were encoded for them, and the seconds on the clock and of the processors."""
    rows = [row for _, found in labels.sets(folder) for row in found]
    rng = random.Random(1)  # noqa: S311  # a draw that can be repeated, nothing secret
    drawn = rng.sample(rows, min(answers, len(rows)))
    runtime = Runtime(Memo(), show_progress=False)
    judge = labels.judge(drawn, runtime)
    judge.features("warm up", ["the model is loaded"])
    shown = [_shown(row, rows, rng) for row in drawn]
    wall, used, claims, encodes = time.perf_counter(), time.process_time(), 0, runtime.work.encodes
    pairs = list(zip(drawn, shown, strict=True))
    with judge.together():
        for start in range(0, len(pairs), BLOCK):  # as a run does
            block = pairs[start : start + BLOCK]
            judge.ahead([Ahead(row.question, (row.answer,), tuple(contexts)) for row, contexts in block])
            for row, contexts in block:
                claims += len(judge.support(judge.claims(row.answer), contexts, row.question))
    seconds, processors = time.perf_counter() - wall, time.process_time() - used
    figures = (len(drawn), claims, runtime.work.encodes - encodes, seconds, processors, len(drawn) / seconds)
    sys.stdout.write(f"{figures[0]} answers, {figures[1]} claims, {figures[2]} texts encoded: {seconds:.1f} s, {processors:.1f} s of processors\n")
    if out is not None:
        columns = ("answers", "claims", "texts encoded", "seconds", "seconds of processors", "answers/s")
        note = f"Answers with {CONTEXTS} contexts of about {WORDS} words each, none met before; drawn from labelled sets with a fixed seed."
        table = Table("The embedded judge, claims against contexts", columns, (figures,), note)
        write(out, Result("Judging", f"python -m eval.bench.judge_speed DATA/judge --answers {answers}", (table,)))


def _shown(row: labels.Row, rows: list[labels.Row], rng: random.Random) -> list[str]:
    """Return five contexts of about 120 words: the row's own, then those of others."""
    own = _pieces(" ".join(row.contexts))[:CONTEXTS]
    while len(own) < CONTEXTS:
        own.append(rng.choice(_pieces(" ".join(rng.choice(rows).contexts)) or ["none"]))
    return own


def _pieces(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[i : i + WORDS]) for i in range(0, len(words), WORDS)]


if __name__ == "__main__":
    sys.exit(run(app))
