"""The numbers that the embedded judge was fitted with. `python -m eval.bench.judge_fit FOLDER` fits them again and prints this file's values.

Fitted on four public sets of human labels (WiCE claims, HealthVer, FM2, ExpertQA; 5,009 rows), each weighing the same and its supported
rows as much as the others, with an intercept for each set, of which the mean is kept. So a probability is one at even odds.
"""

from __future__ import annotations

from math import exp
from types import MappingProxyType

WEIGHTS = MappingProxyType({"met": 3.14, "cosine": 1.71})
INTERCEPT = -2.76
THRESHOLD = 0.5  # of the probability: where sensitivity and specificity had the best mean over the four sets


def probability(features: object) -> float:
    """Return the logistic of the weighted sum of the attributes that `WEIGHTS` names, 0 to 1."""
    return 1 / (1 + exp(-(INTERCEPT + sum(weight * getattr(features, name) for name, weight in WEIGHTS.items()))))
