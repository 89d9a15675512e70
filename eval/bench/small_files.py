"""`python -m eval.bench.small_files [FILES]`: `rag index` on many small Markdown files, again without a change, and again with one."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from rag.shell import run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
CONFIG = "chunk: {use: recursive, size: 200}\nretrieve: {use: rrf, of: [bm25, dense]}\nmodels: {encoder: hashing-256}\n"
WORDS, FOLDERS = 120, 100


@app.command()
def main(files: Annotated[int, typer.Argument(help="How many files.")] = 10_000) -> None:
    """Print what each call reports and how long the whole command took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = write(folder / "corpus", files)
        (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
        for what in ("first build", "nothing changed", "one file changed"):
            if what == "one file changed":
                with corpus.open("a", encoding="utf-8") as file:
                    file.write("changed words\n")
            start = time.perf_counter()
            command = [sys.executable, "-c", "from rag.cli import main; main()", "index", "corpus", "-c", "config.yaml", "-i", "index"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603  # our own command
            sys.stdout.write(f"{what}: {time.perf_counter() - start:.1f} s in all; {done.stdout.splitlines()[0]}\n")


def write(corpus: Path, files: int) -> Path:
    """Write a corpus of made-up words; returns one of its files."""
    dice = random.Random(0)  # noqa: S311  # reproducible, not secret
    words = [f"w{n}" for n in range(5000)]
    for n in range(files):
        path = corpus / f"d{n % FOLDERS:03d}" / f"f{n}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Note {n}\n\n{' '.join(dice.choices(words, k=WORDS))}\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(run(app))
