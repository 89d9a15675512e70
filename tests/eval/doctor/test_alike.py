"""Pairs that are alike: exactly those of comparing all with all."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eval.doctor.alike import jaccard, meaning, sharing


def test_jaccard():
    assert jaccard("ab", "bc") == 1 / 3
    assert jaccard("", "") == 0.0


@given(st.lists(st.frozensets(st.sampled_from("abcdefg")), max_size=12), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_no_pair_is_missed_and_none_added(sets, least):
    expected = {(i, j) for j in range(len(sets)) for i in range(j) if sets[i] and sets[j] and jaccard(sets[i], sets[j]) >= least}
    found = list(sharing(sets, least))
    assert {(i, j) for i, j, _ in found} == expected
    assert len(found) == len(expected)
    assert all(value == jaccard(sets[i], sets[j]) for i, j, value in found)


def test_cosines_of_all_pairs_once():
    rows = np.array([[1, 0], [0.6, 0.8], [1, 0]], dtype=np.float32)
    assert [(i, j, round(c, 3)) for i, j, c in meaning(rows, 0.6)] == [(0, 1, 0.6), (0, 2, 1.0), (1, 2, 0.6)]
    assert [(i, j) for i, j, _ in meaning(rows, 0.9)] == [(0, 2)]
