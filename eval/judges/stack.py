"""Several scores made into one probability by a logistic stack, and how its weights are learned from labelled rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.judges.base import Claim, Judge, Judgement
from rag.errors import ConfigError

_STEPS, _CLOSE = 100, 1e-10


@dataclass(frozen=True, slots=True)
class Stack:
    """What `{use: ensemble, by: logistic, weights: ..., bias: ...}` takes; learned from `rows` rows, `left_out` had a verdict or score missing."""

    weights: tuple[float, ...]
    bias: float
    rows: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Labelled:
    """A claim that people judged against contexts."""

    claim: str
    contexts: tuple[str, ...]
    supported: bool


def stacked(scores: Sequence[float], weights: Sequence[float], bias: float) -> float:
    """Return the probability `1 / (1 + exp(-(bias + sum of weight * score)))`."""
    x = bias + sum(w * s for w, s in zip(weights, scores, strict=True))
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def fit(judges: Sequence[Judge], rows: Sequence[Labelled], ridge: float = 1.0) -> Stack:
    """Return the weights for judges, in their order, from labelled rows; rows in which one gives no verdict or no score are counted and left out.

    Learn on other rows than those that the certificate of the ensemble is made on. Raises `ConfigError` as `fit_stack` does.
    """
    scores: list[list[float]] = []
    labels: list[bool] = []
    for row in rows:
        found = [score_of(judge, row) for judge in judges]
        known = [s for s in found if s is not None]
        if len(known) == len(judges):
            scores.append(known)
            labels.append(row.supported)
    learned = fit_stack(scores, labels, ridge)
    return Stack(learned.weights, learned.bias, learned.rows, len(rows) - len(scores))


def score_of(judge: Judge, row: Labelled) -> float | None:
    """Return the score that a judge gives a labelled claim, None where it gives no verdict or no score."""
    found = judge.support([Claim(row.claim, 0, len(row.claim))], row.contexts, "")
    return found[0].score if len(found) == 1 and isinstance(found[0], Judgement) else None


def fit_stack(scores: Sequence[Sequence[float]], labels: Sequence[bool], ridge: float = 1.0) -> Stack:
    """Return the weights and the bias that make labels most probable: logistic regression, by Newton's method.

    `scores` has one row per label and one column per judge. Minimises the negative log-likelihood plus `ridge / 2` times the sum of
    squared weights (the bias goes free), as scikit-learn's `LogisticRegression(C=1 / ridge)`. Raises `ConfigError` for rows that
    cannot teach.
    """
    widths = sorted({len(row) for row in scores})
    if len(scores) != len(labels) or len(widths) != 1 or not widths[0]:
        raise ConfigError(f"a stack is learned from one row of scores per label, one score per judge; found {len(scores)} rows of {widths} for {len(labels)}")
    made, truth = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if not np.isfinite(made).all() or not ridge > 0:
        raise ConfigError("a stack is learned from finite scores and a ridge above 0; leave out rows without a score")
    if truth.min() == truth.max():
        raise ConfigError(f"all {len(truth)} labelled rows have the same label; a stack needs supported and unsupported ones")
    columns = np.hstack([made, np.ones((len(made), 1))])
    penalty = np.diag([ridge] * made.shape[1] + [0.0])
    solution = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        step = _newton(columns, truth, penalty, solution)
        solution = solution + step
        if float(np.abs(step).max()) < _CLOSE:
            break
    return Stack(tuple(float(w) for w in solution[:-1]), float(solution[-1]), len(truth))


def _newton(columns: np.ndarray, truth: np.ndarray, penalty: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return a step downhill: Newton's, halved until the loss does not grow."""
    chance = _sigmoid(columns @ at)
    slope = columns.T @ (chance - truth) + penalty @ at
    bend = columns.T @ (columns * (chance * (1 - chance))[:, None]) + penalty
    step: np.ndarray = -np.linalg.lstsq(bend, slope, rcond=None)[0]
    before = _loss(columns, truth, penalty, at)
    while _loss(columns, truth, penalty, at + step) > before + 1e-12 * abs(before) and float(np.abs(step).max()) > _CLOSE:
        step = step / 2
    return step


def _loss(columns: np.ndarray, truth: np.ndarray, penalty: np.ndarray, at: np.ndarray) -> float:
    x = columns @ at
    return float(np.logaddexp(0.0, x).sum() - truth @ x + at @ penalty @ at / 2)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.exp(-np.logaddexp(0.0, -x))
    return found
