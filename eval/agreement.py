"""How far a judge's verdicts agree with people's labels: every figure with an interval over clusters of rows.

Supported is the positive label. Shares have Wilson's interval at the effective number of rows (`eval.resampling.share`), the other figures
the percentile interval of a bootstrap over clusters: their errors have no such simple form.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.resampling import DRAWS, Figure, Floats, numbered, percentiles, resamples, share

Bools = NDArray[np.bool_]
Statistic = Callable[[Floats], Floats]  # from weights of shape (draws, rows) to one value per draw, NaN where it has none
BINS = 10


@dataclass(frozen=True)
class Verdicts:
    """Judged rows, one entry each: the label, the verdict, what orders the rows, the probability of supported if the judge gives one, the cluster."""

    labels: tuple[bool, ...]
    verdicts: tuple[bool, ...]
    scores: tuple[float, ...]
    clusters: tuple[Hashable, ...]
    confidences: tuple[float, ...] | None = None

    def of(self, chosen: Sequence[int]) -> Verdicts:
        """Return the rows at these places."""
        return Verdicts(
            tuple(self.labels[i] for i in chosen),
            tuple(self.verdicts[i] for i in chosen),
            tuple(self.scores[i] for i in chosen),
            tuple(self.clusters[i] for i in chosen),
            None if self.confidences is None else tuple(self.confidences[i] for i in chosen),
        )


def auroc_within(rows: Verdicts, files: Sequence[str]) -> Figure | None:
    """Return the mean over files of the AUROC of each: how well rows of one collection are ordered; None where a file has one label only.

    Over files pooled, AUROC also rewards a judge for telling apart collections that differ in their share of supported rows.
    """
    scores, labels, where = np.array(rows.scores, dtype=np.float64), np.array(rows.labels, dtype=bool), np.array(files)
    places = [np.flatnonzero(where == name) for name in dict.fromkeys(files)]
    each = [auroc(scores[own], labels[own]) for own in places]

    def value(weights: Floats) -> Floats:
        return np.asarray(np.mean([one(weights[:, own]) for one, own in zip(each, places, strict=True)], axis=0), dtype=np.float64)

    return bootstrapped(value, rows.clusters)


def agreement(rows: Verdicts) -> dict[str, Figure | None]:
    """Return the figures of the contract, and of the calibration where there are confidences; None where a label has no row."""
    y, v = np.array(rows.labels, dtype=bool), np.array(rows.verdicts, dtype=bool)
    found: dict[str, Figure | None] = {
        "auroc": bootstrapped(auroc(np.array(rows.scores, dtype=np.float64), y), rows.clusters),
        "balanced_accuracy": bootstrapped(balanced_accuracy(v, y), rows.clusters),
        **rates(rows),
        "kappa": bootstrapped(kappa(v, y), rows.clusters),
    }
    if rows.confidences is not None:
        sure = np.array(rows.confidences, dtype=np.float64)
        found["brier"] = bootstrapped(brier(sure, y), rows.clusters)
        found["calibration_error"] = _turned(bootstrapped(calibration_error(sure, y), rows.clusters))
    return found


def rates(rows: Verdicts) -> dict[str, Figure | None]:
    """Return the share of supported rows that the judge finds supported, and that of unsupported ones that it does not."""
    hits: dict[bool, list[bool]] = {True: [], False: []}
    clusters: dict[bool, list[Hashable]] = {True: [], False: []}
    for label, verdict, cluster in zip(rows.labels, rows.verdicts, rows.clusters, strict=True):
        hits[label].append(verdict == label)
        clusters[label].append(cluster)
    return {name: share(hits[label], clusters[label]) for name, label in (("sensitivity", True), ("specificity", False))}


def bootstrapped(statistic: Statistic, clusters: Sequence[Hashable], draws: int = DRAWS) -> Figure | None:
    """Return a statistic of all rows with the percentile interval over resampled clusters; None where it has no value.

    One cluster has no interval: every resample of it is the same rows, and an interval of no width would call chance certain.
    """
    if not len(clusters):
        return None
    member = numbered(clusters)
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample without one of the labels has no value
        value = float(statistic(np.ones((1, len(member))))[0])
        if not np.isfinite(value):
            return None
        if not member.any():
            return Figure(value, None, None)
        low, high = percentiles(np.concatenate([statistic(weights) for weights in resamples(member, draws)]))
    return Figure(value, low, high)


def _turned(figure: Figure | None) -> Figure | None:
    """Return the figure with the interval mirrored at its value (Davison and Hinkley 1997, the basic bootstrap), held to at least 0.

    A mean of absolute values grows with noise, and a resample has the noise twice; mirrored, the bias points the right way.
    """
    if figure is None or figure.low is None or figure.high is None:
        return figure
    low, high = 2 * figure.value - figure.high, 2 * figure.value - figure.low
    return Figure(figure.value, min(figure.value, max(0.0, low)), max(figure.value, high))


def auroc(scores: Floats, labels: Bools) -> Statistic:
    """Return the statistic: the probability that a supported row scores above an unsupported one, ties counting half (Mann-Whitney)."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])
    positive = labels[order].astype(np.float64)

    def value(weights: Floats) -> Floats:
        sorted_ = weights[:, order]
        above = np.add.reduceat(sorted_ * positive, starts, axis=1)
        below = np.add.reduceat(sorted_ * (1 - positive), starts, axis=1)
        won = (above * (np.cumsum(below, axis=1) - below / 2)).sum(axis=1)
        return np.asarray(won / (above.sum(axis=1) * below.sum(axis=1)), dtype=np.float64)

    return value


def _counts(verdicts: Bools, labels: Bools) -> Floats:
    """Return what each row adds to the numbers of true positives, false negatives, false positives and true negatives."""
    return np.stack([verdicts & labels, ~verdicts & labels, verdicts & ~labels, ~verdicts & ~labels], axis=1).astype(np.float64)


def balanced_accuracy(verdicts: Bools, labels: Bools) -> Statistic:
    """Return the statistic: the mean of sensitivity and specificity."""
    cells = _counts(verdicts, labels)

    def value(weights: Floats) -> Floats:
        tp, fn, fp, tn = (weights @ cells).T
        return np.asarray((tp / (tp + fn) + tn / (tn + fp)) / 2, dtype=np.float64)

    return value


def kappa(verdicts: Bools, labels: Bools) -> Statistic:
    """Return the statistic: Cohen's kappa (1960), agreement beyond what the two shares of supported give by chance."""
    cells = _counts(verdicts, labels)

    def value(weights: Floats) -> Floats:
        tp, fn, fp, tn = (weights @ cells).T
        n = tp + fn + fp + tn
        chance = ((tp + fp) * (tp + fn) + (fn + tn) * (fp + tn)) / n**2
        return np.asarray(((tp + tn) / n - chance) / (1 - chance), dtype=np.float64)

    return value


def brier(confidences: Floats, labels: Bools) -> Statistic:
    """Return the statistic: the mean squared difference of probability and label (Brier 1950)."""
    squares = (confidences - labels) ** 2
    return lambda weights: np.asarray(weights @ squares / weights.sum(axis=1), dtype=np.float64)


def calibration_error(confidences: Floats, labels: Bools, bins: int = BINS) -> Statistic:
    """Return the statistic: the expected calibration error over bins of equal mass (Nguyen and O'Connor 2015).

    Rows are ordered by confidence and cut into `bins` parts as equal as can be, equal confidences together; the value is the mean over rows
    of the distance between the mean confidence of the row's bin and its share of supported rows.
    """
    ranks = np.searchsorted(np.sort(confidences), confidences, "left")
    place = ranks * bins // len(confidences)
    gaps = np.zeros((len(confidences), bins))
    gaps[np.arange(len(confidences)), place] = confidences - labels
    return lambda weights: np.asarray(np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1), dtype=np.float64)
