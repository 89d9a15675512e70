"""Arithmetic on scores that parts of several kinds share: normalised scores, freshness, the share of a question's terms a text holds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from rag.text import analyzer

DAY = 86_400


def min_max(scores: Sequence[float]) -> list[float]:
    """Return `(s - min) / (max - min)`; all 1 when they are equal: they were found, what was not found is 0."""
    low, high = min(scores), max(scores)
    return [(s - low) / (high - low) if high > low else 1.0 for s in scores]


def shares_of_best(scores: Sequence[float]) -> list[float]:
    """Return `s / max`, which keeps how far scores lie from nothing; where one is negative or all are 0, `min_max`."""
    best = max(scores)
    return [s / best for s in scores] if best > 0 and min(scores) >= 0 else min_max(scores)


def age_days(modified: float | None, now: float) -> float | None:
    """Return the days from `modified` to `now`, both in seconds since the epoch: 0 from later than that, None of None."""
    return None if modified is None else max(0.0, (now - modified) / DAY)


def fresh_mix(scores: Sequence[float], ages: Sequence[float | None], weight: float, half_life_days: float) -> list[float]:
    """Return `(1 - weight) min_max(score) + weight 0.5^(age / half_life_days)`; ages in days, None counts as endlessly old."""
    if not scores:
        return []
    fresh = [0.0 if age is None else 0.5 ** (age / half_life_days) for age in ages]
    return [(1 - weight) * r + weight * f for r, f in zip(min_max(scores), fresh, strict=True)]


@lru_cache(maxsize=4096)
def _term_set(text: str, language: str) -> frozenset[str]:
    """Return the distinct terms of a sentence; recent ones are remembered, since many questions meet the same."""
    return frozenset(analyzer(language).terms(text))


def forget_terms() -> None:
    """Forget the terms of sentences, so that what is timed next starts cold."""
    _term_set.cache_clear()


def held_shares(question: str, texts: Sequence[str], language: str) -> list[float]:
    """Return for each text the share of the question's terms it holds, weighted by idf over `texts`; in [0, 1]."""
    terms = analyzer(language).terms
    wanted = set(terms(question))
    held = [wanted & _term_set(t, language) for t in texts]
    count = Counter(t for terms_held in held for t in terms_held)
    weight = {t: math.log(1 + (len(texts) - count[t] + 0.5) / (count[t] + 0.5)) for t in sorted(wanted)}
    total = math.fsum(weight.values())
    return [math.fsum(weight[t] for t in sorted(h)) / total if total else 0.0 for h in held]
