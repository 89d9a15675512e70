"""Term weights and their average length: worked values, stable names, and no dependence on order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.index.spaces import average_length, bm25_query, bm25_weights, space_name
from rag.stages import DenseSpace, SparseSpace
from rag.text import analyzer, term_id

ENGLISH = SparseSpace("english", 1.2, 0.75)


def weights(counts, space, average):
    """Return the weights of one chunk, given as its terms and how often each occurs, by term."""
    times = np.fromiter(counts.values(), dtype=np.uint32)
    return dict(zip(counts, bm25_weights([len(counts)], times, space, average).tolist(), strict=True))


def test_the_average_is_the_nearest_power_of_the_sixteenth_root_of_two():
    assert average_length(1, 1) == 1.0
    assert average_length(2, 1) == 2.0
    assert average_length(4, 2) == 2.0
    assert average_length(100, 1) == pytest.approx(2 ** (106 / 16))  # log2(100) * 16 = 106.3
    assert average_length(306, 3) == pytest.approx(2 ** (107 / 16))  # log2(102) * 16 = 106.8


def test_with_no_chunk_that_has_terms_the_average_is_one():
    assert average_length(0, 0) == 1.0


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 50))
def test_the_average_depends_on_the_mean_alone_and_is_within_half_a_step_of_it(chunks, more, times):
    terms = chunks + more
    found = average_length(terms, chunks)
    assert found == average_length(terms * times, chunks * times)
    assert 2 ** (-0.5001 / 16) <= found / (terms / chunks) <= 2 ** (0.5001 / 16)


def test_term_ids_are_the_same_in_every_process_and_version():
    """An id that moved would silently unmatch every index on disk."""
    assert (term_id("retriev"), term_id("日本"), term_id("naïv"), term_id("")) == (1121119427, 3135195086, 362320833, 634351890)


def test_space_names_are_the_same_in_every_process_and_say_their_kind():
    assert space_name(ENGLISH) == "bm25-df0e0d25346c"
    assert space_name(DenseSpace("hashing-64")) == "dense-f9a8744fd668"
    assert space_name(DenseSpace("hashing-64", "passage: ")) == "dense-eac41e335be5"


def test_spaces_that_differ_in_any_field_have_different_names():
    spaces = [ENGLISH, SparseSpace("none", 1.2, 0.75), SparseSpace("english", 1.3, 0.75), SparseSpace("english", 1.2, 0.7)]
    assert len({space_name(s) for s in spaces}) == 4


def test_weights_by_hand():
    """tf 2 in a chunk of 3 terms, average 2: norm 1.2 (.25 + .75 * 3/2) = 1.65, weight 2 * 2.2 / (2 + 1.65)."""
    assert weights({7: 2, 9: 1}, ENGLISH, 2.0) == pytest.approx({7: 2 * 2.2 / 3.65, 9: 1 * 2.2 / 2.65})


def test_a_chunk_of_average_length_with_a_term_once_weighs_one():
    assert weights({1: 1, 2: 1}, ENGLISH, 2.0) == pytest.approx({1: 1.0, 2: 1.0})


@given(st.lists(st.lists(st.integers(1, 99), max_size=6), max_size=8), st.floats(0.5, 50))
def test_chunks_weighed_together_weigh_what_they_weigh_alone(chunks, average):
    together = bm25_weights([len(c) for c in chunks], np.array([n for c in chunks for n in c], dtype=np.uint32), ENGLISH, average)
    alone = [w for c in chunks for w in bm25_weights([len(c)], np.array(c, dtype=np.uint32), ENGLISH, average).tolist()]
    assert together.tolist() == pytest.approx(alone, rel=1e-12)


def test_no_terms_no_vector():
    assert bm25_query("", ENGLISH) is None
    assert bm25_query("the of and", ENGLISH) is None
    assert bm25_query("👍 !!", ENGLISH) is None


def test_b_zero_ignores_length_and_b_one_follows_it():
    def weight(b, length):
        return weights({1: 1, 2: length - 1}, SparseSpace("english", 1.2, b), 10.0)[1]

    assert weight(0.0, 5) == weight(0.0, 40) == pytest.approx(1.0)
    assert weight(1.0, 5) == pytest.approx(2.2 / 1.6)
    assert weight(1.0, 40) == pytest.approx(2.2 / 5.8)


def test_k1_is_how_late_repetition_saturates():
    def ratio(k1):
        found = weights({1: 1, 2: 8}, SparseSpace("english", k1, 0.0), 9.0)
        return found[2] / found[1]

    assert ratio(0.01) == pytest.approx(8 * 1.01 / 8.01)
    assert ratio(1.2) == pytest.approx(8 * 2.2 / 9.2)
    assert ratio(1.2) < ratio(10.0) < ratio(1000.0) < 8


@given(st.dictionaries(st.integers(0, 2**32 - 1), st.integers(1, 10**6), min_size=1, max_size=20), st.floats(1, 1000))
def test_weights_are_positive_and_bounded(counts, average):
    assert all(0 < v < 2.2 and math.isfinite(v) for v in weights(counts, ENGLISH, average).values())


def test_a_query_asks_for_a_term_as_often_as_it_is_written():
    found = bm25_query("Retrieval, retrieval and ranking", ENGLISH)
    assert found is not None
    retrieve, rank = analyzer("english").terms("retrieval ranking")
    assert dict(zip(found.indices, found.values, strict=True)) == {term_id(retrieve): 2.0, term_id(rank): 1.0}
    assert list(found.indices) == sorted(found.indices)
