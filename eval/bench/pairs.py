"""`python -m eval.bench.pairs`: pairs a second of the cross-encoder path against a plain `CrossEncoder.predict` loop on the same model.

The model has the size of MiniLM-L6 and random weights, so that figures of quality are not to be had here. Every way scores the
hits of one question before the next question is asked, in turn, so that what else the machine does meets all of them.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from rag import Index, Pipeline, Runtime
from rag.chunk.markdown import Markdown
from rag.errors import CorpusError
from rag.index.build import build
from rag.loaders.corpus import Loaded, read
from rag.memo import Memo
from rag.models.files import BUNDLED, locate
from rag.retrieve.bm25 import Bm25
from rag.shell import run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Scores = NDArray[np.float64]
Way = Callable[[str, list[str]], Sequence[float]]
PRECISIONS = ("float32", "bfloat16", "int8")
SPREAD = 0.08  # of the random weights; with the usual .02 all pairs score alike, and every rounding changes their order


@app.command()
def main(
    corpus: Annotated[Path, typer.Option(help="Folder of documents.")] = Path("data/handbook"),
    questions: Annotated[Path, typer.Option(help="Their questions.")] = Path("data/questions.jsonl"),
    asked: Annotated[int, typer.Option(min=1, help="How many questions.")] = 30,
    hits: Annotated[int, typer.Option(min=1, help="Hits of each, at most.")] = 50,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores that torch may use; one shows the work alone. Default: all.")] = None,
) -> None:
    """Print the table."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        work = retrieved(corpus, questions, asked, hits, Path(folder) / "index")
        model = made(Path(folder) / "model")
        ways: dict[str, Way] = {"CrossEncoder.predict, float32": plain(model), **{f"cross_encoder, {p}": ours(model, p) for p in PRECISIONS}}
        sys.stdout.write("\n".join(table(work, ways)) + "\n")


def retrieved(corpus: Path, questions: Path, asked: int, hits: int, place: Path) -> list[tuple[str, list[str]]]:
    """Return evenly spread questions with the texts of their best hits by BM25, over Markdown sections of 200 tokens."""
    from eval.questions import load_questions

    items = [i for i in read([corpus.resolve()], 100) if isinstance(i, Loaded)]
    if not items:
        raise CorpusError(f"{corpus}: no documents")
    found = load_questions(questions, {i.document.id: i.document for i in items})
    picks = sorted({round(x) for x in np.linspace(0, len(found) - 1, asked)})
    pipeline, runtime = Pipeline(chunk=Markdown(size=200), retrieve=Bm25(limit=hits)), Runtime(Memo(), show_progress=False)
    build(place, pipeline, items, [items[0].root], runtime)
    with Index.open(place, runtime) as index:
        return [(found[i].text, [h.chunk.index_text for h in pipeline.search(index, found[i].text)[0]]) for i in picks]


def made(place: Path) -> Path:
    """Save a classifier of MiniLM-L6's size with seeded random weights and its tokenizer; returns the directory."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it untyped
    torch.manual_seed(0)
    config = BertConfig.from_pretrained(locate(BUNDLED), num_labels=1, initializer_range=SPREAD)
    BertForSequenceClassification(config).save_pretrained(place)
    AutoTokenizer.from_pretrained(locate(BUNDLED)).save_pretrained(place)
    return place


def plain(model: Path) -> Way:
    """Return the loop of the library: one call of `predict` for a question and its hits, default settings, without the sigmoid."""
    import torch
    from sentence_transformers import CrossEncoder

    encoder: Any = CrossEncoder(str(model), device="cpu", local_files_only=True)
    return lambda query, texts: encoder.predict([(query, t) for t in texts], activation_fn=torch.nn.Identity(), show_progress_bar=False)


def ours(model: Path, precision: str) -> Way:
    """Return the path of the refiner, with a memo that holds nothing of it yet."""
    runtime = Runtime(Memo(), show_progress=False)
    scorer = runtime.pair_scorer(str(model), precision)
    return lambda query, texts: [s.score for s in runtime.score_pairs(scorer, query, texts, 1024)]


class Tally:
    """What one way took for each question, by the clock and of the processor, and the scores it gave."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.clock: list[float] = []
        self.cores: list[float] = []
        self.scores: list[Scores] = []
        way("warm", ["up", "the model"])

    def ask(self, query: str, texts: list[str]) -> None:
        """Score the hits of one question."""
        clock, cores = time.perf_counter(), time.process_time()
        found = self.way(query, texts)
        self.cores.append(time.process_time() - cores)
        self.clock.append(time.perf_counter() - clock)
        self.scores.append(np.asarray(found, dtype=np.float64))


def table(work: list[tuple[str, list[str]]], ways: dict[str, Way]) -> list[str]:
    """Return the table: speed by the clock and by processor time, and agreement with the first way."""
    tallies = {name: Tally(way) for name, way in ways.items()}
    for n, (query, texts) in enumerate(work):
        turn = n % len(tallies)
        for tally in [*tallies.values()][turn:] + [*tallies.values()][:turn]:  # each comes first as often as the others
            tally.ask(query, texts)
    first, pairs = next(iter(tallies.values())), sum(len(t) for _, t in work)
    spread = float(np.mean([np.std(s) for s in first.scores]))
    lines = [
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(work)} questions, {pairs} pairs",
        f"'faster by' is the median over questions with its quartiles; scores of one question have a standard deviation of {spread:.3f}",
        f"{'':30}{'pairs/s':>9}  {'faster by':24}{'pairs/core-s':>13}{'less work by':>14}{'same order':>12}{'top 10':>8}{'differ by':>11}",
    ]
    for name, tally in tallies.items():
        low, middle, high = np.percentile(np.array(first.clock) / np.array(tally.clock), [25, 50, 75])
        same, top, differ = agreement(first.scores, tally.scores)
        lines.append(
            f"{name:30}{pairs / sum(tally.clock):9.1f}  {f'{middle:.2f} ({low:.2f} to {high:.2f})':24}{pairs / sum(tally.cores):13.1f}"
            f"{sum(first.cores) / sum(tally.cores):14.2f}{f'{same}/{len(work)}':>12}{top:8.3f}{differ:11.1e}"
        )
    return lines


def agreement(a: list[Scores], b: list[Scores]) -> tuple[int, float, float]:
    """Return how many questions are ordered alike throughout, the mean overlap of top tens, and the largest difference of scores."""
    orders = [(np.argsort(-x, kind="stable"), np.argsort(-y, kind="stable")) for x, y in zip(a, b, strict=True)]
    top = [len(set(x[:10]) & set(y[:10])) / max(1, min(10, len(x))) for x, y in orders]
    differ = max((float(np.max(np.abs(x - y))) for x, y in zip(a, b, strict=True) if len(x)), default=0.0)
    return sum(np.array_equal(x, y) for x, y in orders), float(np.mean(top)), differ


if __name__ == "__main__":
    sys.exit(run(app))
