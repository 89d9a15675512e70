"""`python -m eval.bench.encoder [TEXTS] [--others]`: the encoder against sentence-transformers, and both against what the processor multiplies at most.

TEXTS is a text file or BEIR folder whose texts are the mixed input; without it, texts of mixed lengths are made up. Every system encodes
the same texts in turn, round after round; a rate is the median over rounds. The limit is the rate of the matrix products of the
model's layers in the same number format, measured by `eval.bench.machine`. With `--others`, OpenVINO and ONNX Runtime take part, where they
are installed. Processor time, the least of the rounds, tells more than time on the clock where other programs run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from eval.bench import runtimes
from eval.bench.machine import encoder_operations, gemm
from eval.bench.measured import Cell, Result, Table, spread, text, write
from rag.errors import CorpusError
from rag.models.encoder import SentenceTransformerEncoder
from rag.models.files import BUNDLED, locate
from rag.shell import run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
COLUMNS = ("input", "system", "tokens a second", "texts a second", "ms a text", "processor ms a text, least", "times the default", "share of the limit")
LENGTHS = (16, 64, 128, 256)
WORDS = [
    "the",
    "heart",
    "of",
    "a",
    "mouse",
    "cell",
    "can",
    "grow",
    "when",
    "blood",
    "and",
    "water",
    "carry",
    "small",
    "parts",
    "place",
    "time",
]  # one token each
Encode = Callable[[list[str]], Any]
Spent = tuple[float, float]  # seconds by the clock, and of processors


@app.command()
def main(
    texts: Annotated[Path | None, typer.Argument(help="A text file, one text a line, or a BEIR folder.")] = None,
    count: Annotated[int, typer.Option(help="Texts of mixed length.")] = 256,
    rounds: Annotated[int, typer.Option(help="Rounds, of which the median counts.")] = 3,
    others: Annotated[bool, typer.Option("--others", help="Compare OpenVINO and ONNX Runtime too, those that are installed.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the results to this JSON file.")] = None,
) -> None:
    """Print the table."""
    systems, ours = opened(others), SentenceTransformerEncoder(BUNDLED, "float32")
    limit = {precision: gemm(precision) for precision in ("float32", "bfloat16")}
    rows: list[tuple[Cell, ...]] = []
    for name, given in inputs(read(texts, count)).items():
        lengths = [min(n, ours.max_tokens) for n in ours.counts(given)]
        rates = measure(systems, given, rounds)
        rows += [row(name, system, lengths, seconds, rates["sentence-transformers float32"], limit) for system, seconds in rates.items()]
    note = "Matrix products of the layers alone, in 10^9 operations a second: " + ", ".join(f"{k} {v:.0f}" for k, v in limit.items()) + "."
    command = f"python -m eval.bench.encoder {texts or ''} --count {count} --rounds {rounds}{' --others' if others else ''}".replace("  ", " ")
    made = Result("Embedding", command, (Table("MiniLM on this processor", COLUMNS, tuple(rows), note),))
    sys.stdout.write(text(made))
    if out is not None:
        write(out, made)


def opened(others: bool = False) -> dict[str, Encode]:
    """Return what is compared, by name; the last word of a name is its number format. `others`: with other runtimes, where they are installed."""
    import torch
    from sentence_transformers import SentenceTransformer

    found: dict[str, Encode] = {}
    for precision in ("float32", "bfloat16"):
        peer = SentenceTransformer(str(locate(BUNDLED)), model_kwargs={"dtype": getattr(torch, precision)})
        found[f"sentence-transformers {precision}"] = lambda texts, peer=peer: peer.encode(texts, batch_size=32, show_progress_bar=False)  # type: ignore[misc]  # mypy cannot infer defaults of a lambda
    for precision in ("float32", "bfloat16"):
        found[f"spanwise {precision}"] = SentenceTransformerEncoder(BUNDLED, precision).encode
    return found | runtimes.others(torch.get_num_threads()) if others else found


def read(source: Path | None, count: int) -> list[str]:
    """Return `count` texts spread over a source, or made up with lengths of a skewed distribution. Raises `CorpusError` for an empty source."""
    if source is None:
        dice = np.random.default_rng(0)
        return [words(int(n), i) for i, n in enumerate(np.clip(dice.lognormal(5, 0.6, count), 3, 400))]
    path = source / "corpus.jsonl" if source.is_dir() else source
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    if not lines:
        raise CorpusError(f"{source}: no texts")
    found = lines[:: max(1, len(lines) // count)][:count]
    return [f"{d.get('title', '')} {d['text']}".strip() for d in map(json.loads, found)] if source.is_dir() else found


def inputs(mixed: list[str]) -> dict[str, list[str]]:
    """Return the inputs by name: some 16,000 tokens of each length, the mixed texts, and one question."""
    found = {f"{n} tokens": [words(n - 2, i) for i in range(16384 // n)] for n in LENGTHS}
    return found | {"mixed": mixed, "one question": [words(10, 0)], "one question of 23 tokens": [words(21, 0)]}


def words(count: int, seed: int) -> str:
    """Return a text of that many words, each of one token."""
    return " ".join(np.random.default_rng(seed).choice(WORDS, count))


def measure(systems: dict[str, Encode], texts: list[str], rounds: int) -> dict[str, list[Spent]]:
    """Return the seconds of each round by system, the systems taken in turn; a single text is encoded twenty times a round."""
    spent: dict[str, list[Spent]] = {name: [] for name in systems}
    times = 20 if len(texts) == 1 else 1
    for n in range(rounds + 1):
        for name, encode in systems.items():
            start, busy = time.perf_counter(), time.process_time()
            for _ in range(times):
                encode(texts)
            if n:  # the first round warms up
                spent[name].append(((time.perf_counter() - start) / times, (time.process_time() - busy) / times))
    return spent


def row(name: str, system: str, lengths: list[int], seconds: Sequence[Spent], peer: Sequence[Spent], limit: dict[str, float]) -> tuple[Cell, ...]:
    """Return the cells of `COLUMNS`: rates, their ratio to the peer's default, and their share of the limit."""
    spent, theirs = (float(np.median([clock for clock, _ in s])) for s in (seconds, peer))
    share = encoder_operations(lengths) / 1e9 / spent / limit[system.rpartition(" ")[2]]
    each, least = spread([1000 * clock / len(lengths) for clock, _ in seconds], 3), 1000 * min(busy for _, busy in seconds) / len(lengths)
    return name, system, round(sum(lengths) / spent), round(len(lengths) / spent, 1), each, round(least, 3), round(theirs / spent, 2), f"{share:.0%}"


if __name__ == "__main__":
    sys.exit(run(app))
