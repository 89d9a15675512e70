"""Ties are broken by id however an engine orders them, and without asking for more than needed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.index.ties import EXTRA, past_ties


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(0, 70), st.randoms(use_true_random=False))
def test_the_best_are_found_whatever_order_ties_come_in(scores, limit, random):
    rows = [(f"{n:03}", float(s)) for n, s in enumerate(scores)]
    shuffled = random.sample(rows, len(rows))
    by_score = sorted(shuffled, key=lambda r: -r[1])  # as an engine does: ties in any order
    asked = []

    def fetch(most):
        asked.append(most)
        return random.sample(by_score[:most], min(most, len(by_score)))

    assert past_ties(fetch, limit) == sorted(rows, key=lambda r: (-r[1], r[0]))[:limit]
    assert asked[:1] == ([limit + EXTRA] if limit else [])
    assert all(most < len(rows) + 1 for most in asked[:-1])


def test_one_request_is_enough_when_scores_differ():
    asked = []

    def fetch(most):
        asked.append(most)
        return [(str(n), -float(n)) for n in range(most)]

    assert past_ties(fetch, 10) == [(str(n), -float(n)) for n in range(10)]
    assert asked == [10 + EXTRA]
