"""Scores to probabilities: the logistic curve of Platt scaling, and its fit to judged scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def probability(score: float, a: float, b: float) -> float:
    """Return `1 / (1 + exp(-(a score + b)))`, also where the exponential would overflow."""
    at = a * score + b
    if at >= 0:
        return float(1 / (1 + np.exp(-at)))
    grown = float(np.exp(at))
    return grown / (1 + grown)


def fit(scores: Sequence[float], relevant: Sequence[bool], ridge: float = 1e-3, rounds: int = 100) -> tuple[float, float]:
    """Return `(a, b)` that make `probability(score, a, b)` most likely for judged scores, by Newton's method.

    Minimises the negative log-likelihood plus `ridge / 2 (a s)^2`, where s is the standard deviation of the scores: the ridge
    keeps a finite where scores part relevant from other perfectly (Platt 1999 smooths labels to the same end). Raises
    `ValueError` without at least one relevant and one other, or where lengths differ.
    """
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(relevant, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or not np.isfinite(x).all():
        raise ValueError("scores and judgements must be lists of one length, of finite numbers")
    if not 0 < y.sum() < len(y):
        raise ValueError("a calibration needs scores of what is relevant and of what is not")
    if ridge <= 0:
        raise ValueError(f"ridge must be positive, not {ridge}")
    mean, spread = float(x.mean()), float(x.std()) or 1.0
    design = np.stack([(x - mean) / spread, np.ones_like(x)], axis=1)
    penalty = np.diag([ridge, 0.0])
    theta = np.array([0.0, float(np.log(y.sum() / (len(y) - y.sum())))])
    for _ in range(rounds):
        step = _newton(design, y, theta, penalty)
        theta = theta + step
        if float(np.abs(step).max()) < 1e-10:
            break
    slope = float(theta[0]) / spread
    return slope, float(theta[1]) - slope * mean


def _loss(design: np.ndarray, y: np.ndarray, theta: np.ndarray, penalty: np.ndarray) -> float:
    at = design @ theta
    return float(np.sum(np.logaddexp(0, at) - y * at) + theta @ penalty @ theta / 2)


def _newton(design: np.ndarray, y: np.ndarray, theta: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Return the Newton step, halved until the loss does not rise."""
    p = np.exp(-np.logaddexp(0, -(design @ theta)))
    gradient = design.T @ (y - p) - penalty @ theta
    curvature = design.T @ (design * (p * (1 - p))[:, None]) + penalty + 1e-12 * np.eye(2)
    step = np.linalg.solve(curvature, gradient)
    before = _loss(design, y, theta, penalty)
    while _loss(design, y, theta + step, penalty) > before and float(np.abs(step).max()) > 1e-12:
        step = step / 2
    return np.asarray(step)
