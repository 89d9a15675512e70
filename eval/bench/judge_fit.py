"""`python -m eval.bench.judge_fit FOLDER`: fits the weights of the embedded judge to labelled claims, and says how well they carry over."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from eval.bench import labels
from eval.bench.judge import balanced
from eval.judges._weights import WEIGHTS
from eval.judges.embedded import EmbeddedJudge
from rag.runtime import Runtime
from rag.shell import run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Matrix = NDArray[np.float64]
FOLDS = 5
RIDGE = 1e-3  # against weights of no bound; the features are scaled to a variance of 1
THRESHOLDS = np.arange(0.30, 0.71, 0.01)


@dataclass(frozen=True)
class Measured:
    """A set of labels: its rows' features, shape `(rows, features)`, whether vetoed, labels, and the number of each row's source."""

    name: str
    features: Matrix
    vetoed: NDArray[np.bool_]
    truth: NDArray[np.bool_]
    source: NDArray[np.int64]

    def at(self, rows: NDArray[np.bool_]) -> Measured:
        """Return some of the rows."""
        return Measured(self.name, self.features[rows], self.vetoed[rows], self.truth[rows], self.source[rows])


def measured(name: str, rows: Sequence[labels.Row], judge: EmbeddedJudge) -> Measured:
    """Measure each row's answer as one claim. The sources are the distinct questions, or contexts, in order."""
    found = [judge.features(labels.whole(r).text, r.contexts) for r in rows]
    matrix = np.array([[getattr(f, key) for key in WEIGHTS] for f in found], dtype=np.float64)
    sources = {source: i for i, source in enumerate(dict.fromkeys(r.source for r in rows))}
    of = np.array([sources[r.source] for r in rows], dtype=np.int64)
    return Measured(name, matrix, np.array([bool(f.veto) for f in found]), np.array([r.supported for r in rows]), of)


def fit(sets: Sequence[Measured]) -> tuple[Matrix, float]:
    """Return the weights and the intercept of a logistic regression with an intercept for each set, of which the mean is returned.

    Each set weighs the same, and its supported rows as much as its others. Vetoes take part, so that the weights do not have to
    stand in for them, and are not returned. Solved by Newton's method.
    """
    columns = [np.hstack([s.features, s.vetoed[:, None], np.tile(np.eye(len(sets))[i], (len(s.truth), 1))]) for i, s in enumerate(sets)]
    x, y = np.vstack(columns), np.concatenate([s.truth for s in sets]).astype(np.float64)
    weights = np.concatenate([np.where(s.truth, 0.5 / s.truth.sum(), 0.5 / (~s.truth).sum()) for s in sets]) / len(sets)
    n = sets[0].features.shape[1]
    scale = np.concatenate([np.sqrt(np.mean([s.features.var(axis=0) for s in sets], axis=0)), np.ones(x.shape[1] - n)])
    x = x / scale
    ridge = RIDGE * np.concatenate([np.ones(n + 1), np.zeros(len(sets))])
    beta = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ beta))
        gradient = x.T @ (weights * (p - y)) + ridge * beta
        beta = beta - np.linalg.solve((x.T * (weights * p * (1 - p))) @ x + np.diag(ridge + 1e-9), gradient)
    return (beta / scale)[:n], float(beta[n + 1 :].mean())


def scored(of: Measured, weights: Matrix, intercept: float, threshold: float) -> Matrix:
    """Return the scores that the judge would give with these weights."""
    p = 1 / (1 + np.exp(-(of.features @ weights + intercept)))
    return np.asarray(np.where(of.vetoed, EmbeddedJudge.lowered(p, threshold), p), dtype=np.float64)


def threshold_of(sets: Sequence[Measured], weights: Matrix, intercept: float) -> float:
    """Return the threshold with the best mean balanced accuracy over the sets; of equal ones the lowest."""
    means = [np.mean([balanced(scored(s, weights, intercept, t).tolist(), s.truth.tolist(), t) for s in sets]) for t in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmax(means))])


def held_out(sets: Sequence[Measured]) -> dict[str, tuple[float, float]]:
    """Return for each set the AUROC and balanced accuracy of rows whose sources took no part in the fit, in five folds."""
    scores = {s.name: np.zeros(len(s.truth)) for s in sets}
    over = {s.name: np.zeros(len(s.truth), dtype=bool) for s in sets}
    for fold in range(FOLDS):
        kept = [s.at(s.source % FOLDS != fold) for s in sets]
        weights, intercept = fit(kept)
        cut = threshold_of(kept, weights, intercept)
        for s in sets:
            out = s.source % FOLDS == fold
            scores[s.name][out] = scored(s, weights, intercept, cut)[out]
            over[s.name][out] = scores[s.name][out] >= cut
    return {s.name: (labels.auroc(scores[s.name].tolist(), s.truth.tolist()), balanced(over[s.name].tolist(), s.truth.tolist(), 0.5)) for s in sets}


def transferred(sets: Sequence[Measured]) -> dict[str, tuple[float, float]]:
    """Return for each set the AUROC and balanced accuracy of a fit to the other sets."""
    found = {}
    for s in sets:
        rest = [r for r in sets if r is not s]
        weights, intercept = fit(rest)
        cut = threshold_of(rest, weights, intercept)
        scores = scored(s, weights, intercept, cut).tolist()
        found[s.name] = labels.auroc(scores, s.truth.tolist()), balanced(scores, s.truth.tolist(), cut)
    return found


@app.command()
def main(folder: Annotated[Path, typer.Argument(help="JSON Lines files of {contexts, question, answer, supported}.")]) -> None:
    """Print AUROC and balanced accuracy for unseen sources and for unseen sets, then the weights of a fit to everything."""
    runtime, rows = Runtime(), labels.sets(folder)
    sets = [measured(name, r, labels.judge(r, runtime)) for name, r in rows]
    within, across = held_out(sets), transferred(sets) if len(sets) > 1 else {}
    lines = ["labels               rows   containment   unseen sources: auroc, balanced   unseen set: auroc, balanced"]
    for s, (_, r) in zip(sets, rows, strict=True):
        plain = labels.auroc([labels.containment(x) for x in r], s.truth.tolist())
        a, b = within[s.name], across.get(s.name, (0.0, 0.0))
        lines.append(f"{s.name:20} {len(s.truth):4}   {plain:.3f}         {a[0]:.3f} {a[1]:.3f}                      {b[0]:.3f} {b[1]:.3f}")
    weights, intercept = fit(sets)
    named = ", ".join(f'"{key}": {w:.3f}' for key, w in zip(WEIGHTS, weights, strict=True))
    lines += ["", f"WEIGHTS {{{named}}}", f"INTERCEPT {intercept:.3f}", f"THRESHOLD {threshold_of(sets, weights, intercept):.2f}"]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(run(app))
