"""A mean of yes-no verdicts with the judge's known error taken out: by a certificate, or by labels from the same run.

`corrected(values, clusters, certificate)` is Rogan and Gladen's estimate (1978) from the certificate's sensitivity and specificity;
`prediction_powered(values, clusters, labelled)` is that of Angelopoulos et al. (2023) with the tuning of PPI++ (2023), from labels of
the run itself. Both return `{"value", "low", "high", "method"}`, or `{"why"}` where nothing honest can be said. Values are one rate
per question, in 0 to 1; clusters are what the questions are resampled in, as in `eval.stats`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.error_rates import ErrorRates
from eval.resampling import Z, numbered, t_quantile, variance_of_mean

ROGAN_GLADEN, PREDICTION_POWERED = "rogan_gladen", "prediction_powered"
FEWEST_LABELLED = 10  # questions with a label, below which their spread says nothing
_NOTHING = 1e-18  # a variance below it is that of rounding
_NONE_CERTIFIED = "the judge is not certified: its error rate is unknown; run rag-eval certify"


def corrected(
    values: Sequence[float], clusters: Sequence[Hashable], certificate: Mapping[str, Any] | None, judged: Sequence[bool] | None = None
) -> dict[str, Any]:
    """Return the mean of one judge's rates per question as it would be without the judge's errors, or why it cannot be had.

    `certificate` is the body of one that is tied to this judge, else None. `judged` is False for values that rest on no verdict, such as the
    0 of a question for which no source was shown: they are right as they are. Raises `ValueError` for lengths that differ or rates outside 0 to 1.
    """
    if certificate is None:
        return {"why": _NONE_CERTIFIED}
    if not len(values):
        return {"why": "no question has a value"}
    rates = np.asarray(values, dtype=np.float64)
    if len(rates) != len(clusters) or not ((rates >= 0) & (rates <= 1)).all():
        raise ValueError(f"{len(rates)} rates with {len(clusters)} clusters: give one rate in 0 to 1 per question, each with a cluster")
    try:
        known = ErrorRates.of(certificate)
    except (KeyError, TypeError):
        return {"why": "the certificate holds no sensitivity and specificity with intervals: one of the two labels had no rows"}
    if judged is not None:  # what is known for certain counts as what a judge of these error rates would have said of it on average
        rates = np.where(judged, rates, rates * known.sensitivity + (1 - rates) * (1 - known.specificity))
    return rogan_gladen(float(rates.mean()), _variance(rates, numbered(clusters)), known)


def _variance(rates: NDArray[np.float64], member: NDArray[np.intp]) -> float:
    """Return the variance of the mean rate, scaled for few clusters.

    Where nothing varies, or with one cluster, it is that of Agresti and Coull (1998): equal rates are not a rate without error.
    """
    size, mean = int(member.max()) + 1, float(rates.mean())
    robust = variance_of_mean(rates, member)
    if robust is not None and robust > _NOTHING:
        return robust * (t_quantile(0.975, size - 1) / Z) ** 2
    near = (size * mean + Z * Z / 2) / (size + Z * Z)
    return near * (1 - near) / (size + Z * Z)


def rogan_gladen(rate: float, variance: float, known: ErrorRates) -> dict[str, Any]:
    """Return `(p + sp - 1) / (se + sp - 1)` held to 0 to 1, with the set of true rates that the observed one does not contradict.

    A true rate x gives the observed rate `x se + (1 - x)(1 - sp)`; x is in the interval when that differs from `rate` by at most 1.96
    standard errors, those of the rate, of sensitivity and of specificity taken together (Fieller's argument, 1954; Lang and Reiczigel 2014
    show why the errors of all three belong in it). Unlike the delta method it stays right where the judge is hardly better than chance.
    """
    youden = known.sensitivity + known.specificity - 1
    if youden <= 0:
        return {"why": f"sensitivity and specificity add up to {youden + 1:.2f}: the judge is no better than chance, so its verdicts hold no rate"}
    above = rate + known.specificity - 1

    def beyond(x: float) -> float:
        spread = variance + x * x * known.var_sensitivity + (1 - x) ** 2 * known.var_specificity - 2 * x * (1 - x) * known.covariance
        return (above - x * youden) ** 2 - Z * Z * spread

    inside = [x for x in (0.0, 1.0, *_roots(rate, variance, known)) if beyond(x) <= 1e-9]
    if not inside:
        return {"why": _outside(rate, known)}
    value = min(1.0, max(0.0, above / youden))
    return {"value": value, "low": min(value, *inside), "high": max(value, *inside), "method": ROGAN_GLADEN}


def _roots(rate: float, variance: float, known: ErrorRates) -> list[float]:
    """Return where in 0 to 1 the squared difference equals its allowance: the roots of a quadratic in the true rate."""
    youden, above, z2 = known.sensitivity + known.specificity - 1, rate + known.specificity - 1, Z * Z
    a = youden**2 - z2 * (known.var_sensitivity + known.var_specificity + 2 * known.covariance)
    b = -2 * above * youden + 2 * z2 * (known.var_specificity + known.covariance)
    c = above**2 - z2 * (variance + known.var_specificity)
    if abs(a) < 1e-12:
        found = [-c / b] if b else []
    else:
        inner = b * b - 4 * a * c
        found = [(-b + sign * sqrt(inner)) / (2 * a) for sign in (-1, 1)] if inner >= 0 else []
    return [x for x in found if 0 <= x <= 1]


def _outside(rate: float, known: ErrorRates) -> str:
    least, most = 1 - known.specificity, known.sensitivity
    return (
        f"the observed rate {rate:.3f} is outside of what the judge gives on claims like the labelled ones ({least:.3f} to {most:.3f}): "
        "these claims are of another kind, such as quotes, and the certificate says nothing about them"
    )


def prediction_powered(
    values: Sequence[float], clusters: Sequence[Hashable], labelled: Mapping[int, tuple[float, float]], judged: Sequence[bool] | None = None
) -> dict[str, Any]:
    """Return the mean rate by the judge on all questions and by people on a random few of them, or why it cannot be had.

    `labelled` gives, by the question's place in `values`, the judge's rate and the people's rate over its labelled claims. The estimate
    is `t mean(f over all) + mean(y - t f over labelled)`; t in 0 to 1 is tuned to the least variance, so a useless judge (t = 0) costs nothing.
    The interval is that of a jackknife over clusters, with Student's quantile for those that hold labels.
    `judged` is False for values that rest on no verdict: they are right as they are, and cannot be labelled.
    Raises `ValueError` for lengths that differ, or a label at a place that is none or was not judged.
    """
    asked = np.ones(len(values), dtype=bool) if judged is None else np.asarray(judged, dtype=bool)
    if not len(values) == len(clusters) == len(asked) or not all(0 <= i < len(values) and asked[i] for i in labelled):
        raise ValueError(f"{len(values)} rates with {len(clusters)} clusters, and labels for places beyond them or for what was not judged")
    member = numbered(clusters) if len(values) else np.zeros(0, dtype=np.intp)
    chosen = np.array(sorted(labelled), dtype=np.intp)
    held = len(set(member[chosen].tolist()))
    if len(chosen) < FEWEST_LABELLED or held < 3:
        return {"why": f"{len(chosen)} questions in {held} clusters have labels; label at least {FEWEST_LABELLED}, in 3 clusters"}
    rates = np.asarray(values, dtype=np.float64)
    own, human = (np.array([labelled[int(i)][side] for i in chosen], dtype=np.float64) for side in (0, 1))
    whole, part = _Sample(member, asked), _Sample(member, chosen)
    fixed = part.moves(human, leave=True)
    scaled = whole.moves(rates[asked]) - part.moves(own, leave=True)
    power = float(scaled @ scaled)
    tuned = min(1.0, max(0.0, -float(fixed @ scaled) / power)) if power > _NOTHING else 0.0
    among = tuned * (float(rates[asked].mean()) - float(own.mean())) + float(human.mean())
    mixed = np.where(asked, among, rates)  # what was not judged has no error but its own spread
    moved = float(asked.mean()) * (fixed + tuned * scaled) + _Sample(member, np.ones(len(rates), dtype=bool)).moves(mixed)
    value = float(mixed.mean())
    half = t_quantile(0.975, held - 2) * sqrt(held / (held - 2)) * float(np.linalg.norm(moved))  # one degree for the mean, one for the tuning
    low, high = (min(1.0, max(0.0, value + side * half)) for side in (-1, 1))
    return {"value": min(1.0, max(0.0, value)), "low": low, "high": high, "method": PREDICTION_POWERED, "tuning": tuned, "labelled": len(chosen)}


@dataclass(frozen=True)
class _Sample:
    """Some of the questions, chosen by their places or by a mask, in their clusters."""

    member: NDArray[np.intp]
    chosen: NDArray[Any]

    def moves(self, values: NDArray[np.float64], leave: bool = False) -> NDArray[np.float64]:
        """Return what each cluster adds to the error of the mean of the sample's values, one value per chosen question.

        With `leave` it is how far that mean moves when the cluster is left out, with the sign turned: the replicates of a jackknife.
        """
        inside, size = self.member[self.chosen], int(self.member.max()) + 1
        added = np.bincount(inside, weights=values - values.mean(), minlength=size) / len(values)
        return np.asarray(added / (1 - np.bincount(inside, minlength=size) / len(values)) if leave else added, dtype=np.float64)
