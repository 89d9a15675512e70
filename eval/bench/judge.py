"""`python -m eval.bench.judge FOLDER`: how well the embedded judge orders claims that people have labelled."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from eval.judges.base import Judgement
from eval.judges.embedded import EmbeddedJudge, Frequencies
from eval.records import read_jsonl
from rag.errors import QuestionError
from rag.models.encoder import Vectors
from rag.shell import run
from rag.text import analyzer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(folder: Annotated[Path, typer.Argument(help="JSON Lines files of {contexts, question, answer, supported}.")]) -> None:
    """Print a table: the area under the ROC curve of the judge's support and of plain word containment."""
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise QuestionError(f"{folder}: no .jsonl files of labels are there")
    lines = ["labels               rows   judge   containment"]
    for file in files:
        found = [(mean, plain, label) for mean, plain, label in map(_row, *_judged(file)) if mean is not None]
        means, plains, labels = zip(*found, strict=True)
        lines.append(f"{file.stem:20} {len(found):4}    {auroc(means, labels):.3f}   {auroc(plains, labels):.3f}")
    sys.stdout.write("\n".join(lines) + "\n")


def _judged(file: Path) -> tuple[list[dict[str, object]], list[EmbeddedJudge]]:
    rows = read_jsonl(file)
    judge = EmbeddedJudge(Frequencies.of({c for r in rows for c in r["contexts"]}), _no_vectors, {})
    return rows, [judge] * len(rows)


def _no_vectors(texts: Sequence[str]) -> Vectors:
    return np.zeros((len(texts), 1), dtype=np.float32)  # support needs none


def _row(row: dict[str, object], judge: EmbeddedJudge) -> tuple[float | None, float, bool]:
    """Return the mean support of a row's claims (None without claims), the share of its words in the contexts, its label."""
    answer, contexts = str(row["answer"]), [str(c) for c in row["contexts"]]  # type: ignore[attr-defined]  # JSON
    verdicts = judge.support(judge.claims(answer), contexts, str(row["question"]))
    scores = [v.score or 0.0 for v in verdicts if isinstance(v, Judgement)]
    terms = analyzer("english").terms
    words, there = set(terms(answer)), set(terms(" ".join(contexts)))
    return (float(np.mean(scores)) if scores else None), len(words & there) / max(1, len(words)), bool(row["supported"])


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Return the probability that a positive scores above a negative, ties counting half (Mann-Whitney U / n0 n1)."""
    order = np.asarray(scores, dtype=np.float64)
    positive, negative = order[np.asarray(labels)], np.sort(order[~np.asarray(labels)])
    below = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
    return float(below.sum() / 2 / (len(positive) * len(negative)))


if __name__ == "__main__":
    sys.exit(run(app))
