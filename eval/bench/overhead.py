"""Milliseconds a question takes apart from models: `python -m eval.bench.overhead CONFIG... [--corpus DIR] [--questions FILE]`.

Every question is asked with the memo emptied and chunks forgotten; what is spent inside encoders, chat models and pair scorers is
measured where they are called and taken off.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from eval.bench.measured import Result, Table, write
from eval.questions import load_questions
from rag.config import load
from rag.index.build import build
from rag.index.store import Index
from rag.loaders.corpus import Loaded, Summary, read
from rag.loaders.limits import Limits
from rag.pipeline import Pipeline
from rag.runtime import Runtime

SAMPLE = 60
METHODS = {"_encoders": ("encode", "token_vectors"), "_chats": ("complete",), "_scorers": ("score",)}


class Clock:
    """Adds up what is spent inside models."""

    def __init__(self) -> None:
        self.spent = 0.0
        self._inside = 0

    def watch(self, runtime: Runtime) -> None:
        """Put a clock on every opened model of a runtime, once."""
        for name, methods in METHODS.items():
            opened = list(getattr(runtime, name, {}).values())
            for model in [*opened, *(m.for_questions() for m in opened if hasattr(m, "for_questions"))]:
                for method in methods:
                    if hasattr(model, method) and not hasattr(getattr(model, method), "watched"):
                        setattr(model, method, self._timed(getattr(model, method)))

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **named: Any) -> Any:
            start = time.perf_counter()
            self._inside += 1
            try:
                return call(*args, **named)
            finally:
                self._inside -= 1
                if not self._inside:
                    self.spent += time.perf_counter() - start

        timed.watched = True  # type: ignore[attr-defined]  # so that no model is timed twice
        return timed


def measure(config: Path, corpus: Path, questions: Path) -> list[float]:
    """Return milliseconds per question outside models, for a sample of the questions."""
    pipeline = load(config)
    runtime = Runtime(show_progress=False)
    items = list(read([corpus], Limits.from_options(pipeline.index), Summary()))
    texts = {i.document.id: i.document for i in items if isinstance(i, Loaded)}
    asked = load_questions(questions, texts)
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder) / "index", pipeline, items, [corpus], runtime)
        alone = runtime.unmemoised()
        with Index.open(Path(folder) / "index", alone) as index:
            for question in asked[:3]:
                pipeline.ask(index, question.text)
            clock = Clock()
            clock.watch(alone)
            return [_one(pipeline, index, q.text, clock) for q in asked[:: max(1, len(asked) // SAMPLE)]]


def _one(pipeline: Pipeline, index: Index, question: str, clock: Clock) -> float:
    index.runtime.forget()
    index.reader(pipeline).forget_chunks()
    clock.spent, start = 0.0, time.perf_counter()
    pipeline.ask(index, question)
    return 1000 * (time.perf_counter() - start - clock.spent)


def main(
    configs: Annotated[list[Path], typer.Argument(help="Configuration files.")],
    corpus: Annotated[Path, typer.Option(help="Folder of documents.")] = Path("data/handbook"),
    questions: Annotated[Path, typer.Option(help="Questions with evidence in them.")] = Path("data/questions.jsonl"),
    out: Annotated[Path | None, typer.Option(help="JSON file for the figures.")] = None,
) -> None:
    """Print p50 and p95 per configuration."""
    rows = []
    for config in configs:
        found = measure(config, corpus, questions)
        rows.append((config.stem, float(np.percentile(found, 50)), float(np.percentile(found, 95)), len(found)))
        sys.stdout.write(f"{config.stem:20} p50 {rows[-1][1]:6.2f} ms  p95 {rows[-1][2]:6.2f} ms  n {len(found)}\n")
        sys.stdout.flush()
    if out is not None:
        table = Table("Milliseconds of a question outside encoders, chat models and pair scorers", ("configuration", "p50", "p95", "questions"), tuple(rows))
        command = " ".join(["python -m eval.bench.overhead", *map(str, configs)])
        write(out, Result("A whole question apart from models", command, (table,), notes=("Nothing is remembered between questions.",)))


if __name__ == "__main__":
    typer.run(main)
