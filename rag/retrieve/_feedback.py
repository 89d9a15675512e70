"""Pseudo-relevance feedback in the space of a leg: RM3 for terms, Rocchio for vectors."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.index.reader import Reader
from rag.stages import DenseSpace
from rag.text import analyzer
from rag.types import Feedback, Query


def relevance_model(documents: Sequence[tuple[Sequence[str], float]], most: int) -> dict[str, float]:
    """Return the `most` likeliest terms of weighted documents, with probabilities that sum to 1; ties by term.

    `P(t | R) = sum of weight P(t | d)` with `P(t | d) = tf / length` (Lavrenko and Croft 2001, RM1), cut and scaled to 1.
    """
    shares: dict[str, list[float]] = {}
    for terms, weight in documents:
        for term, n in Counter(terms).items():
            shares.setdefault(term, []).append(weight * n / len(terms))
    likely = sorted(((t, math.fsum(s)) for t, s in shares.items()), key=lambda x: (-x[1], x[0]))[:most]
    total = math.fsum(p for _, p in likely)
    return {t: p / total for t, p in likely} if total > 0 else {}


def expanded(query: Query, language: str, reader: Reader) -> dict[str, float]:
    """Return the terms that a keyword leg asks for, with their weights: how often the query has each, and RM3 of its feedback.

    `weight = alpha n(t) + (1 - alpha) n P(t | R)`, where the query has `n` terms, `n(t)` of them t (Abdul-Jaleel et al. 2004,
    times n, so that `alpha = 1` is the query itself). A query without terms stays without.
    """
    term_list = analyzer(language).terms
    own = Counter(term_list(query.text))
    feedback = query.feedback
    if not own or feedback is None or not feedback.terms:
        return dict(own)
    hits = reader.hits(feedback.chunks, "feedback")  # those that are still there
    model = relevance_model([(term_list(h.chunk.index_text), h.score) for h in hits], feedback.terms)
    if not model:
        return dict(own)
    spread = (1 - feedback.alpha) * own.total()
    weights = {t: feedback.alpha * own[t] + spread * model.get(t, 0.0) for t in sorted({*own, *model})}
    return {t: w for t, w in weights.items() if w > 0}


def feedback_vector(feedback: Feedback, space: DenseSpace, reader: Reader) -> NDArray[np.float32] | float:
    """Return what feedback adds to a query's unit vector: `beta` times the weighted mean of the chunks' stored vectors (Rocchio 1971)."""
    if not feedback.beta:
        return 0.0
    ids = [h.chunk.id for h in reader.hits(feedback.chunks, "feedback")]
    found = reader.vectors(space, ids)
    weights = {i: w for i, w in feedback.chunks if i in found}
    total = math.fsum(weights.values())
    if total <= 0:
        return 0.0
    mean = np.sum([w / total * found[i].astype(np.float64) for i, w in weights.items()], axis=0)
    return np.asarray(feedback.beta * mean, dtype=np.float32)
