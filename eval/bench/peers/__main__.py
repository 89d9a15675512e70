"""`python -m eval.bench.peers WORK`: this project against its peers on the same work in one run; `make bench-peers` does all of it."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from eval.bench.machine import machine
from eval.bench.measured import text
from eval.bench.peers import inputs
from eval.bench.peers.competitors import chosen
from eval.bench.peers.goals import goals
from eval.bench.peers.present import result
from eval.bench.peers.process import REPOSITORY
from eval.bench.peers.rounds import Plan, indexing, searching
from rag.errors import ConfigError
from rag.index.manifest import write_bytes
from rag.models.files import BUNDLED, locate
from rag.shell import note, run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
SIZES = {"search": 20_000, "index": 20_000, "embed": 400}
ROUNDS = 3


@app.command()
def main(
    work: Annotated[Literal["search", "index", "embed", "grid"], typer.Argument(help="What is done.")],
    chunks: Annotated[int | None, typer.Option(min=20, help="How many passages of 120 words; default: 20,000, and 400 for embed.")] = None,
    peers: Annotated[str, typer.Option(help="Only these competitors and ours, separated by semicolons.")] = "",
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds of every competitor in turn; default: 3, and 1 for grid.")] = None,
    questions: Annotated[int, typer.Option(min=1, help="Questions a round of searches, of which the second half is timed.")] = 40,
    python: Annotated[Path, typer.Option(help="The interpreter of the peers' environment; `make bench-peers` makes it.")] = Path("out/peers-venv/bin/python"),
    out: Annotated[Path | None, typer.Option(help="Where the figures go; default: eval/bench/results/peers-WORK.json, grid.json.")] = None,
) -> None:
    """Print the table and write the figures."""
    start = time.perf_counter()
    body: dict[str, Any] = {"work": work, "machine": machine(), "command": shlex.join(["python", "-m", "eval.bench.peers", *sys.argv[1:]])}
    with tempfile.TemporaryDirectory(prefix="bench-peers-") as folder:
        if work == "grid":
            from eval.bench.peers.grid import gridded

            body |= gridded(Path(folder), note, rounds or 1)
        else:
            names = [n.strip() for n in peers.split(";") if n.strip()]
            body |= measured(work, chunks or SIZES[work], names, rounds or ROUNDS, questions, python, Path(folder))
    body["seconds"] = round(time.perf_counter() - start, 1)
    body["goals"] = goals(body)
    found = result(body)
    out = out or REPOSITORY / "eval" / "bench" / "results" / ("grid.json" if work == "grid" else f"peers-{work}.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    kept = {**asdict(found), "figures": {k: v for k, v in body.items() if k != "machine"}}
    write_bytes(out, (json.dumps(kept, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    sys.stdout.write(text(found))
    note(f"written to {out}")


def measured(
    work: Literal["search", "index", "embed"], chunks: int, names: list[str], rounds: int, questions: int, python: Path, folder: Path
) -> dict[str, Any]:
    """Make the inputs, run the rounds and return what they say."""
    entries = chosen(work, names)
    if any(e.peers for e in entries) and not python.is_file():
        raise ConfigError(f"--python {python}: is not there; `make bench-peers` makes the peers' environment")
    inputs.write(folder / "inputs", chunks, str(locate(BUNDLED)), REPOSITORY)
    given = inputs.read(folder / "inputs")
    plan = Plan(entries, folder / "inputs", folder / "work", str(python.absolute()), rounds, note, pause=1.0)
    said: dict[str, Any] = {"chunks": chunks, "words": inputs.WORDS, "dimension": inputs.DIMENSION, "characters": sum(map(len, given.passages))}
    if work == "search":
        most = (len(given.queries) - 2) // 2 - 3
        if questions * rounds > most:
            raise ConfigError(f"--questions {questions}: no question is asked twice, so {rounds} rounds can have {most // rounds} each")
        return {"inputs": {**said, "questions": questions}, **searching(plan, questions, len(given.queries))}
    if work == "embed":
        from eval.bench.peers.limit import limited, tokens

        said["tokens"] = tokens(given.passages)
        return limited({"inputs": {**said, "tokens": sum(said["tokens"])}, **indexing(plan, True)}, said["tokens"])
    return {"inputs": said, **indexing(plan, False)}


if __name__ == "__main__":
    sys.exit(run(app))
