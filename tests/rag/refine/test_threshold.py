"""Floors: absolute, relative and as a probability; and the fit of the curve that makes one of scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from rag.refine._calibration import fit, probability
from rag.refine.threshold import Threshold
from rag.types import Chunk, Hit, Query, Span


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index({"a.md": "text"}) as index:
        yield index.reader(index.pipeline)


def refined(reader, scores, **fields):
    hits = tuple(Hit(Chunk(str(i), Span("a.md", i, i + 1), "text"[i : i + 1], ""), s, "x") for i, s in enumerate(scores))
    return Threshold(**fields).refine(hits, Query("q"), reader)


def kept(reader, scores, **fields):
    return [h.score for h in refined(reader, scores, **fields).hits]


def test_relative_is_a_share_of_the_best_wherever_it_stands(reader):
    assert kept(reader, [4.0, 2.0, 1.9]) == [4.0, 2.0]
    assert kept(reader, [1.9, 4.0, 2.0]) == [4.0, 2.0]
    assert kept(reader, [4.0, 3.0], relative=1) == [4.0]
    assert kept(reader, [4.0, 0.0, -1.0], relative=0) == [4.0, 0.0]


def test_below_a_negative_best_the_distance_is_the_same(reader):
    assert kept(reader, [-2.0, -3.0, -3.1], relative=0.5) == [-2.0, -3.0]


def test_an_absolute_floor_may_leave_nothing(reader):
    assert kept(reader, [0.4, 0.3], floor=0.4, relative=None) == [0.4]
    assert kept(reader, [0.3, 0.2], floor=0.4, relative=None) == []
    assert kept(reader, [0.3, 0.2], floor=None, relative=None) == [0.3, 0.2]


def test_both_floors_hold_together(reader):
    assert kept(reader, [10.0, 6.0, 4.0], floor=5, relative=0.3) == [10.0, 6.0]
    assert kept(reader, [10.0, 6.0, 4.0], floor=1, relative=0.5) == [10.0, 6.0]


def test_calibrated_scores_are_compared_as_probabilities(reader):
    """a 2, b -1: a score of .5 is a probability of 1/2, of 1 one of 1 / (1 + e^-1) = .731, of 0 one of .269."""
    assert kept(reader, [1.0, 0.5, 0.0], a=2, b=-1, floor=0.5, relative=None) == [1.0, 0.5]
    assert kept(reader, [1.0, 0.5, 0.0], a=2, b=-1, floor=0.26, relative=0.6) == [1.0, 0.5]
    assert refined(reader, [1.0], a=2, b=-1, relative=0.5).step.facts["floor"] == pytest.approx(0.5 / (1 + math.exp(-1)))


def test_the_first_stay_where_asked_and_the_step_says_how_many_fell(reader):
    found = refined(reader, [0.3, 0.2, 0.9, 0.1], floor=0.5, relative=None, keep=1)
    assert [h.score for h in found.hits] == [0.3, 0.9]
    assert (found.step.facts["dropped"], found.step.facts["floor"]) == (2, 0.5)
    assert kept(reader, [], keep=3) == []


def test_the_limit_is_not_counted_as_fallen(reader):
    found = refined(reader, [3.0, 3.0, 1.0], limit=1)
    assert (len(found.hits), found.step.facts["dropped"]) == (1, 1)


def test_half_a_calibration_and_a_floor_that_is_no_probability_are_refused():
    with pytest.raises(ValueError, match="a and b belong together"):
        Threshold(a=1.0)
    with pytest.raises(ValueError, match="floor must be a probability"):
        Threshold(a=1.0, b=0.0, floor=1.5)


def test_a_probability_never_overflows():
    assert probability(0.0, 1.0, 0.0) == 0.5
    assert probability(-1e6, 1.0, 0.0) == 0.0
    assert probability(1e6, 1.0, 0.0) == 1.0
    assert probability(3.0, 0.5, -1.0) == pytest.approx(1 / (1 + math.exp(-0.5)))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 50), st.booleans()), min_size=4, max_size=40), st.sampled_from([1e-3, 1.0]))
def test_the_fit_is_as_likely_as_what_scipy_finds(rows, ridge):
    scores, labels = [s for s, _ in rows], [y for _, y in rows]
    if len(set(labels)) < 2:
        with pytest.raises(ValueError, match="relevant"):
            fit(scores, labels)
        return
    x, y = np.array(scores), np.array(labels, dtype=float)
    spread = x.std() or 1.0

    def loss(theta):
        at = theta[0] * (x - x.mean()) / spread + theta[1]
        return float(np.sum(np.logaddexp(0, at) - y * at) + ridge / 2 * theta[0] ** 2)

    a, b = fit(scores, labels, ridge)
    ours = loss([a * spread, b + a * x.mean()])
    assert ours <= minimize(loss, [0.0, 0.0], method="BFGS").fun + 1e-6


def test_a_fit_by_hand():
    """Without a ridge two groups are met exactly: 1 of 4 at score 0, 3 of 4 at 1, so b = ln(1/3) and a = 2 ln 3."""
    a, b = fit([0.0] * 4 + [1.0] * 4, [True, False, False, False, True, True, True, False], ridge=1e-9)
    assert (a, b) == (pytest.approx(2 * math.log(3), abs=1e-6), pytest.approx(-math.log(3), abs=1e-6))


def test_scores_that_part_perfectly_or_are_all_equal_give_a_finite_curve():
    a, b = fit([0.0, 1.0, 2.0, 3.0], [False, False, True, True])
    assert probability(3.0, a, b) > 0.99 > 0.01 > probability(0.0, a, b)
    assert fit([5.0, 5.0, 5.0], [True, False, False]) == (pytest.approx(0.0, abs=1e-9), pytest.approx(math.log(1 / 2)))


@pytest.mark.parametrize(("scores", "labels"), [([1.0], [True]), ([1.0, 2.0], [True]), ([], []), ([1.0, math.nan], [True, False])])
def test_judgements_that_no_curve_fits_are_refused(scores, labels):
    with pytest.raises(ValueError, match="scores"):
        fit(scores, labels)


def test_a_ridge_must_be_positive():
    with pytest.raises(ValueError, match="ridge"):
        fit([0.0, 1.0], [True, False], ridge=0.0)
