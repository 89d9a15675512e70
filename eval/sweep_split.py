"""Questions for selection and questions for confirmation: no document has questions in both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.questions import Question, cluster
from rag.errors import QuestionError

_STREAM = 7  # of random numbers, so that the split shares none with the resampling


def split(questions: Sequence[Question], confirm: float = 0.5, seed: int = 0) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """Return the questions for selection and for confirmation, each in the order given; a cluster is never in both.

    Whole clusters are drawn in a seeded order; each goes to confirmation while that brings it nearer to the share `confirm`. Raises
    `QuestionError` for fewer than two clusters.
    """
    members: dict[str, list[str]] = {}
    for q in questions:
        members.setdefault(cluster(q), []).append(q.id)
    if len(members) < 2:
        raise QuestionError(f"a sweep needs questions of at least two documents, to choose on some and confirm on others; there are {len(members)}")
    names = sorted(members)
    order = [names[i] for i in np.random.default_rng([seed, _STREAM]).permutation(len(names))]
    want, held = confirm * len(questions), 0
    kept: set[str] = set()
    for name in order:
        size = len(members[name])
        if len(kept) < len(names) - 1 and (not kept or abs(held + size - want) < abs(held - want)):
            kept.add(name)
            held += size
    return tuple(q for q in questions if cluster(q) not in kept), tuple(q for q in questions if cluster(q) in kept)
