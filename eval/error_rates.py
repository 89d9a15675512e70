"""A judge's error rates as corrections need them: sensitivity and specificity with all that makes them uncertain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.agreement import Verdicts, rates
from eval.resampling import Z, numbered, plain, t_quantile

FEW = 20  # rows of one claim with one label, below which the rates of whole rows stand for those of claims


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Sensitivity and specificity of a judge with the variances and the covariance of these as estimates of what they are in a run."""

    sensitivity: float
    specificity: float
    var_sensitivity: float = 0.0
    var_specificity: float = 0.0
    covariance: float = 0.0

    @classmethod
    def of(cls, certificate: Mapping[str, Any]) -> ErrorRates:
        """Read the rates of single claims from a certificate, those of whole rows where it has none of single claims.

        The variance is that of the interval, and, where there were several files of labels, that between them: the claims of a run are one
        more such collection. Raises `KeyError` or `TypeError` where a rate was not measured.
        """
        body = certificate.get("claims") or certificate["metrics"]
        (se, v), (sp, w) = (_rate(body[name]) for name in ("sensitivity", "specificity"))
        common = float(body.get("covariance") or 0.0)
        if between := body.get("between"):
            files = between["files"]
            wider = (1 + 1 / files) * (t_quantile(0.975, max(1, files - 1)) / Z) ** 2  # one more collection, and few that say how far they differ
            v, w, common = v + wider * between["sensitivity"], w + wider * between["specificity"], common + wider * between["covariance"]
        return cls(se, sp, v, w, common)


def _rate(figure: Mapping[str, Any]) -> tuple[float, float]:
    """Return a value and its variance, taken from the width of its 95 % interval."""
    return float(figure["value"]), ((float(figure["high"]) - float(figure["low"])) / (2 * Z)) ** 2


def claim_rates(rows: Verdicts, claims: Sequence[int], files: Sequence[str]) -> dict[str, Any]:
    """Return `{of, rows, sensitivity, specificity, covariance, between}` for a certificate; `claims` are how many each row's answer has.

    They are those of rows whose answer is one claim: an answer of several can be unsupported for one of them alone, and no label says
    which, while corrections are about claims. With fewer than 20 such rows of either label, all rows stand in for them.
    """
    single = [i for i, n in enumerate(claims) if n == 1]
    positive = sum(rows.labels[i] for i in single)
    enough = min(positive, len(single) - positive) >= FEW
    chosen = single if enough else list(range(len(claims)))
    own = rows.of(chosen)
    found = rates(own)
    return {
        "of": "one_claim" if enough else "all_rows", "rows": len(chosen), "sensitivity": plain(found["sensitivity"]), "specificity": plain(found["specificity"]),
        "covariance": covariance(own), "between": between(own, [files[i] for i in chosen]),
    }  # fmt: skip


def covariance(rows: Verdicts) -> float:
    """Return the cluster-robust covariance of sensitivity and specificity: rows of one source share its quirks. 0 where it cannot be had."""
    y, v = np.array(rows.labels, dtype=bool), np.array(rows.verdicts, dtype=bool)
    member = numbered(rows.clusters)
    size = int(member.max()) + 1
    if size < 2 or y.all() or not y.any():
        return 0.0
    a = np.bincount(member[y], weights=v[y] - v[y].mean(), minlength=size) / y.sum()
    b = np.bincount(member[~y], weights=~v[~y] - (~v[~y]).mean(), minlength=size) / (~y).sum()
    return float(a @ b) * size / (size - 1)


def between(rows: Verdicts, files: Sequence[str]) -> dict[str, Any] | None:
    """Return how far the two rates differ between files beyond what their own sampling explains; None with fewer than two files of both labels.

    The method of moments (DerSimonian and Laird 1986): the covariance matrix over files less the mean of the files' own, its negative
    eigenvalues set to 0.
    """
    means, noise = [], []
    for name in dict.fromkeys(files):
        own = rows.of([i for i, file in enumerate(files) if file == name])
        if min(sum(own.labels), len(own.labels) - sum(own.labels)) < FEW:
            continue
        (se, v), (sp, w) = (_rate(f.as_dict()) for f in rates(own).values() if f is not None)
        common = covariance(own)
        means.append([se, sp])
        noise.append([[v, common], [common, w]])
    if len(means) < 2:
        return None
    values, vectors = np.linalg.eigh(np.cov(np.array(means).T) - np.mean(noise, axis=0))
    matrix = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return {"files": len(means), "sensitivity": float(matrix[0, 0]), "specificity": float(matrix[1, 1]), "covariance": float(matrix[0, 1])}
