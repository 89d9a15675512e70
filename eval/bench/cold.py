"""Seconds of one command from start to end: `python -m eval.bench.cold [--runs 10]`: whole processes of `rag search`, and what they import."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from eval.bench.measured import Result, Table, write

RAG = (sys.executable, "-c", "from rag.cli import main; main()")
KEYWORD, HYBRID = Path("configs/bm25.yaml"), Path("configs/hybrid.yaml")
BIGGEST = 8
_IMPORTED = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
Row = dict[str, Any]


def once(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Return seconds on the clock and on the processor of one process. Raises `CalledProcessError` when it fails."""
    start = time.perf_counter()
    with subprocess.Popen(command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:  # noqa: S603  # our own command
        said = process.stderr.read() if process.stderr else b""
        _, status, spent = os.wait4(process.pid, 0)
        seconds, process.returncode = time.perf_counter() - start, os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), stderr=said)
    return seconds, spent.ru_utime + spent.ru_stime


def row(what: str, commands: Sequence[Sequence[str]], environment: Mapping[str, str]) -> Row:
    """Return the figures of a command that is run once with each of several arguments; the first run, which fills caches of the disk, does not count."""
    found = [once(c, environment) for c in commands][1:]
    wall, cpu = ([round(f[i], 3) for f in found] for i in (0, 1))
    figures = {"median": statistics.median(wall), "min": min(wall), "max": max(wall), "cpu": statistics.median(cpu), "cpu_min": min(cpu)}
    return {"what": what, **figures, "n": len(found), "imports_ms": imports(commands[-1], environment)}


def imports(command: Sequence[str], environment: Mapping[str, str]) -> dict[str, float]:
    """Return the packages that take longest to import, with milliseconds of their own modules, the largest first."""
    timed = [command[0], "-X", "importtime", *command[1:]]
    said = subprocess.run(timed, env=dict(environment), capture_output=True, text=True, check=True).stderr  # noqa: S603  # our own command
    spent: dict[str, float] = {}
    for own, name in _IMPORTED.findall(said):
        package = name.split(".")[0]
        spent[package] = spent.get(package, 0.0) + int(own) / 1000
    return {name: round(ms, 1) for name, ms in sorted(spent.items(), key=lambda s: -s[1])[:BIGGEST]}


def figures(folder: Path, corpus: Path, runs: int) -> list[Row]:
    """Index a folder twice and return a row for every command. Each search has a question that was never asked, so that nothing is remembered."""
    environment = {**os.environ, "RAG_CACHE_DIR": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installing compiles every module once; compiling them at each start is no part of a search
    rows = [row("python, nothing", [[sys.executable, "-c", "pass"]] * (runs + 1), environment), row("rag --help", [[*RAG, "--help"]] * (runs + 1), environment)]
    for what, config in (("rag search, keyword-only", KEYWORD), ("rag search, hybrid", HYBRID)):
        index = folder / config.stem
        once([*RAG, "index", str(corpus), "-c", str(config), "-i", str(index)], environment)
        commands = [[*RAG, "search", f"how is recall at {n} measured", "-i", str(index)] for n in range(runs + 1)]
        rows.append(row(what, commands, environment))
    return rows


def main(
    runs: Annotated[int, typer.Option(min=1, help="Processes of each command.")] = 10,
    corpus: Annotated[Path, typer.Option(help="Folder of documents.")] = Path("data/handbook"),
    out: Annotated[Path | None, typer.Option(help="JSON file for the figures.")] = None,
) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        rows = figures(Path(name), corpus, runs)
    for r in rows:
        sys.stdout.write(f"{r['what']:26} median {r['median']:.2f} s  min {r['min']:.2f}  max {r['max']:.2f}  on the processor {r['cpu']:.2f}  n {r['n']}\n")
        sys.stdout.write(f"{'':26} imports: {', '.join(f'{k} {v:.0f} ms' for k, v in r['imports_ms'].items())}\n")
    if out is not None:
        write(out, result(rows, f"python -m eval.bench.cold --runs {runs} --corpus {corpus}"))


def result(rows: Sequence[Row], command: str) -> Result:
    """Return the rows as a table for docs/performance.md."""
    columns = ("command", "seconds, median", "min", "max", "seconds of processors", "processes", "largest imports, ms")
    names = ("what", "median", "min", "max", "cpu", "n")
    cells = tuple((*(r[n] for n in names), ", ".join(f"{k} {v:.0f}" for k, v in list(r["imports_ms"].items())[:4])) for r in rows)
    note = "Each is a whole process with its own question, the files of the index and the packages in the disk cache; nothing else is remembered."
    return Result("From start to end of one command", command, (Table("Cold start", columns, cells, note),))


if __name__ == "__main__":
    typer.run(main)
