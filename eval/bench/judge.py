"""`python -m eval.bench.judge FOLDER`: how well the embedded judge orders and tells apart claims that people have labelled."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from eval.bench import labels
from rag.runtime import Runtime
from rag.shell import run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
BINS = 10


@app.command()
def main(folder: Annotated[Path, typer.Argument(help="JSON Lines files of {contexts, question, answer, supported}.")]) -> None:
    """Print a table by set.

    The area under the ROC curve of the judge's support and of plain word containment, the mean of sensitivity and specificity at the
    judge's threshold, and how far its probabilities are off at even odds.
    """
    runtime = Runtime()
    lines = ["labels               rows   judge   containment   balanced accuracy   calibration error"]
    for name, rows in labels.sets(folder):
        judge = labels.judge(rows, runtime)
        found = [(score, labels.containment(row), row.supported) for row in rows if (score := labels.score(row, judge)) is not None]
        scores, plain, truth = (list(column) for column in zip(*found, strict=True))
        figures = [labels.auroc(scores, truth), labels.auroc(plain, truth), balanced(scores, truth, judge.threshold), miscalibration(scores, truth)]
        lines.append("{:20} {:4}    {:.3f}   {:.3f}         {:.3f}               {:.3f}".format(name, len(found), *figures))
    sys.stdout.write("\n".join(lines) + "\n")


def balanced(scores: Sequence[float], truth: Sequence[bool], threshold: float) -> float:
    """Return the mean of the shares of supported and of other rows that a threshold puts on the right side."""
    over, right = np.asarray(scores) >= threshold, np.asarray(truth, dtype=bool)
    return float((over[right].mean() + (~over[~right]).mean()) / 2)


def miscalibration(scores: Sequence[float], truth: Sequence[bool]) -> float:
    """Return the expected calibration error over ten bins of equal width, supported rows weighing as much as the others.

    Guo et al. 2017, with weights: the mean distance of a bin's mean probability from its share of supported rows.
    """
    values, right = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=bool)
    weights = np.where(right, 0.5 / right.sum(), 0.5 / (~right).sum())
    bins = np.minimum((values * BINS).astype(int), BINS - 1)
    off = [abs(float((weights * (values - right))[bins == b].sum())) for b in range(BINS)]
    return float(sum(off))


if __name__ == "__main__":
    sys.exit(run(app))
