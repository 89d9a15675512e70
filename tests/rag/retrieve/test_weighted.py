"""Score fusion: worked values of both normalisations, and laws that hold to the last bit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.retrieve.weighted import Weighted, fuse, z_score
from rag.scores import min_max
from rag.types import Query

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)
LEG = st.dictionaries(st.sampled_from("abcdefgh"), NUMBERS, max_size=8)


def scores(retriever):
    return dict(retriever.rank(Query("q"), None).scored)


def test_min_max_by_hand(leg):
    """Leg one maps 10, 6, 2 to 1, .5, 0; leg two maps .9, .8 to 1, 0; what is not found gets 0."""
    found = scores(Weighted((leg({"a": 10.0, "b": 6.0, "c": 2.0}), leg({"c": 0.9, "d": 0.8})), weights=(3.0, 1.0)))
    assert found == pytest.approx({"a": 3 * 1 / 4, "b": 3 * 0.5 / 4, "c": (3 * 0 + 1 * 1) / 4, "d": 0.0})


def test_z_score_by_hand(leg):
    """Leg one: mean 4, deviation sqrt(8/3); leg two: mean 2, deviation 1; what is not found gets the leg's lowest."""
    found = scores(Weighted((leg({"a": 6.0, "b": 4.0, "c": 2.0}), leg({"a": 1.0, "d": 3.0})), normalize="z_score"))
    z = 2 / math.sqrt(8 / 3)
    assert found == pytest.approx({"a": (z - 1) / 2, "b": (0 - 1) / 2, "c": (-z - 1) / 2, "d": (-z + 1) / 2})


def test_equal_scores_and_a_single_hit(leg):
    assert min_max([5.0, 5.0, 5.0]) == [1.0, 1.0, 1.0]
    assert z_score([5.0, 5.0]) == [0.0, 0.0]
    assert z_score([699051.0085215045] * 3) == [0.0] * 3  # their mean is not they, by one bit
    assert z_score([1e-9, 3e-9]) == pytest.approx([-1.0, 1.0])
    assert min_max([-3.0]) == [1.0]
    assert z_score([-3.0]) == [0.0]
    assert scores(Weighted((leg({"a": 7.0}), leg({"a": 1.0, "b": 0.0})))) == pytest.approx({"a": 1.0, "b": 0.0})


@pytest.mark.parametrize("normalize", ["min_max", "z_score"])
def test_empty_legs_have_no_say(leg, normalize):
    legs = (leg({"a": 3.0, "b": 2.0}), leg({"b": 5.0, "c": 1.0}))
    assert scores(Weighted((*legs, leg({})), normalize, (1.0, 2.0, 9.0))) == scores(Weighted(legs, normalize, (1.0, 2.0)))
    assert scores(Weighted((leg({}), leg({})), normalize)) == {}


def test_a_leg_of_weight_zero_adds_its_hits_and_no_score(leg):
    legs = (leg({"a": 3.0, "b": 1.0}), leg({"z": 1.0}))
    assert scores(Weighted(legs, weights=(1.0, 0.0))) == {"a": 1.0, "b": 0.0, "z": 0.0}


@given(st.lists(NUMBERS, min_size=2, max_size=20))
def test_ranges_of_the_normalisations(values):
    assert all(0 <= v <= 1 for v in min_max(values))
    assert max(min_max(values)) == 1.0
    z = z_score(values)
    assert math.fsum(z) == pytest.approx(0, abs=1e-2)
    if max(values) - min(values) > 1e-3:
        assert math.fsum(v * v for v in z) / len(z) == pytest.approx(1, rel=1e-3)


@given(st.lists(LEG, min_size=1, max_size=5), st.data(), st.sampled_from([min_max, z_score]))
def test_the_order_of_legs_and_of_hits_within_them_does_not_matter_to_the_last_bit(legs, data, normalise):
    weights = [data.draw(st.floats(0, 10, allow_subnormal=False)) for _ in legs]
    order = data.draw(st.permutations(range(len(legs))))
    shuffled = [dict(data.draw(st.permutations(list(legs[i].items())))) for i in order]
    assert fuse(legs, tuple(weights), normalise) == fuse(shuffled, tuple(weights[i] for i in order), normalise)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(-1000, 1000), min_size=1), st.integers(1, 64), st.integers(-500, 500))
def test_scaling_and_shifting_a_leg_does_not_matter(raw, factor, shift):
    for normalise in (min_max, z_score):
        other = {"a": 1.0, "z": 0.25}
        plain = fuse([{i: float(s) for i, s in raw.items()}, other], (1.0, 1.0), normalise)
        moved = fuse([{i: float(s * factor + shift) for i, s in raw.items()}, other], (1.0, 1.0), normalise)
        assert moved == pytest.approx(plain, abs=1e-9)


def test_ties_go_to_the_smaller_id(leg):
    found = Weighted((leg({"b": 1.0, "a": 1.0, "c": 0.0}),)).rank(Query("q"), None).scored
    assert [i for i, _ in found] == ["a", "b", "c"]


@pytest.mark.parametrize("weights", [(1.0,), (1.0, -1.0), (0.0, 0.0), (math.inf, 1.0), (math.nan, 1.0)])
def test_weights_that_make_no_sense_are_refused(leg, weights):
    with pytest.raises(ValueError, match=r"weights:? "):
        Weighted((leg({"a": 1.0}), leg({})), weights=weights)
