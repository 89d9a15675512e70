"""Reciprocal rank fusion: worked values, and the laws of a sum over ranks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.retrieve.rrf import Rrf, fuse
from rag.types import Query

RANKINGS = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8), min_size=1, max_size=5)
WEIGHTS = st.floats(0, 10, allow_subnormal=False)


def scores(retriever):
    return dict(retriever.rank(Query("q"), None).scored)


def test_worked_example(leg):
    found = Rrf((leg("abc"), leg("cad"))).rank(Query("q"), None)
    assert list(found.scored) == [
        ("a", pytest.approx(1 / (60 + 1) + 1 / (60 + 2))),
        ("c", pytest.approx(1 / (60 + 3) + 1 / (60 + 1))),
        ("b", pytest.approx(1 / (60 + 2))),
        ("d", pytest.approx(1 / (60 + 3))),
    ]


def test_k_and_weights(leg):
    found = scores(Rrf((leg("ab"), leg("ba")), k=0.0, weights=(2.0, 0.5)))
    assert found == pytest.approx({"a": 2 / 1 + 0.5 / 2, "b": 2 / 2 + 0.5 / 1})


def test_ties_go_to_the_smaller_id_and_the_limit_cuts(leg):
    legs = (leg("dcba"), leg("abcd"))
    assert [i for i, _ in Rrf(legs, weights=(1.0, 1.0)).rank(Query("q"), None).scored] == ["a", "d", "b", "c"]
    assert len(Rrf(legs, limit=3).rank(Query("q"), None).scored) == 3


@given(st.data(), RANKINGS)
def test_the_order_of_legs_with_their_weights_does_not_matter_to_the_last_bit(data, rankings):
    weights = [data.draw(WEIGHTS) for _ in rankings]
    order = data.draw(st.permutations(range(len(rankings))))
    assert fuse(rankings, tuple(weights), 60.0) == fuse([rankings[i] for i in order], tuple(weights[i] for i in order), 60.0)


@given(RANKINGS, st.floats(0, 100))
def test_it_is_the_sum_of_the_definition(rankings, k):
    k = max(k, 1e-3)
    expected = {i: math.fsum(1 / (k + r.index(i) + 1) for r in rankings if i in r) for i in {i for r in rankings for i in r}}
    assert fuse(rankings, (1.0,) * len(rankings), k) == pytest.approx(expected, rel=1e-12)


@given(RANKINGS)
def test_an_empty_leg_changes_nothing(rankings):
    plain = fuse(rankings, (1.0,) * len(rankings), 60.0)
    assert fuse([*rankings, []], (1.0,) * len(rankings) + (5.0,), 60.0) == plain


@given(RANKINGS.filter(lambda r: len(r[0]) < 8), st.sampled_from("ABC"))
def test_a_document_added_at_the_end_of_a_leg_lowers_no_other(rankings, new):
    weights = (1.0,) * len(rankings)
    before, after = fuse(rankings, weights, 60.0), fuse([[*rankings[0], new], *rankings[1:]], weights, 60.0)
    assert all(after[i] == s for i, s in before.items())


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(-50, 50), min_size=1))
def test_only_ranks_count_so_a_monotone_change_of_scores_does_not_matter(leg, raw):
    other = leg("fa")
    plain = scores(Rrf((leg({i: float(s) for i, s in raw.items()}), other)))
    assert scores(Rrf((leg({i: math.exp(s / 10) + 3 for i, s in raw.items()}), other))) == plain


@pytest.mark.parametrize("weights", [(1.0,), (1.0, -1.0), (0.0, 0.0), (math.inf, 1.0), (math.nan, 1.0)])
def test_weights_that_make_no_sense_are_refused(leg, weights):
    with pytest.raises(ValueError, match=r"weights:? "):
        Rrf((leg("a"), leg("b")), weights=weights)
    with pytest.raises(ValueError, match="of: needs at least one"):
        Rrf(())


def test_the_step_holds_the_steps_of_the_legs(leg):
    step = Rrf((leg("ab"), leg("b"))).rank(Query("q"), None).step
    assert [s.use for s in step.walk()] == ["rrf", "given", "given"]
    assert step.facts["ids"] == ["b", "a"]
