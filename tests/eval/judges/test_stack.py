"""The logistic stack: weights worked by hand, the same as an optimizer's, and rows that cannot teach."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.judges.base import Claim, Judge, Judgement, Label, Missing, Why
from eval.judges.stack import Labelled, Stack, fit, fit_stack, stacked
from rag.errors import ConfigError


class Known(Judge):
    """A judge that knows a score for each claim, and gives no verdict on others."""

    def __init__(self, scores):
        self.scores = scores

    @property
    def identity(self):
        return {"use": "known"}

    def claims(self, text, question=""):
        return (Claim(text),)

    def support(self, claims, contexts, question):
        return tuple(Judgement(Label.NOT_FOUND, self.scores[c.text]) if c.text in self.scores else Missing(Why.TIMED_OUT) for c in claims)


def test_the_probability_by_hand():
    """1 / (1 + exp(-(1 + 2 * .5 - 3 * .5))) is the sigmoid of .5; far out it stays in 0 to 1."""
    assert stacked([0.5, 0.5], [2.0, -3.0], 1.0) == pytest.approx(0.6224593312)
    assert (stacked([1.0], [5000.0], 0.0), stacked([1.0], [-5000.0], 0.0)) == (1.0, 0.0)


def test_scores_that_say_nothing_leave_the_odds_to_the_bias():
    """Three of four are supported: ln 3."""
    learned = fit_stack([[0.0]] * 4, [True, True, True, False])
    assert learned.weights == (0.0,)
    assert learned.bias == pytest.approx(math.log(3))
    assert learned.rows == 4


def test_weights_by_hand():
    """At +1 three of four, at -1 one of four.

    The slope is 8 (sigmoid(w) - 3/4) + ridge w. Without a ridge (nearly) w is ln 3; with a ridge of 2 / (3 ln 2), w = ln 2 makes it
    8 (2/3 - 3/4) + 2/3 = 0.
    """
    scores, labels = [[1.0]] * 4 + [[-1.0]] * 4, [True, True, True, False, True, False, False, False]
    assert fit_stack(scores, labels, 1e-9).weights[0] == pytest.approx(math.log(3), abs=1e-6)
    learned = fit_stack(scores, labels, 2 / (3 * math.log(2)))
    assert learned.weights[0] == pytest.approx(math.log(2), abs=1e-9)
    assert learned.bias == pytest.approx(0.0, abs=1e-9)


def test_rows_that_a_line_parts_have_finite_weights():
    """The ridge holds them; a tiny one lets them grow."""
    learned = fit_stack([[0.0], [0.2], [0.8], [1.0]], [False, False, True, True], 1e-6)
    assert 10 < learned.weights[0] < 1000
    assert stacked([0.9], learned.weights, learned.bias) > 0.99


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.floats(0.01, 10.0))
def test_weights_are_those_of_an_optimizer(seed, columns, ridge):
    """scipy on the same loss, written here anew."""
    from scipy.optimize import minimize

    random = np.random.default_rng(seed)
    scores = random.random((40, columns))
    labels = random.random(40) < scores.mean(axis=1)
    labels[:2] = [True, False]

    def loss(at):
        x = scores @ at[:-1] + at[-1]
        return np.sum(np.log1p(np.exp(-np.where(labels, x, -x)))) + ridge / 2 * np.sum(at[:-1] ** 2)

    expected = minimize(loss, np.zeros(columns + 1), tol=1e-10).x
    learned = fit_stack(scores.tolist(), labels.tolist(), ridge)
    assert [*learned.weights, learned.bias] == pytest.approx(list(expected), abs=1e-3)


@pytest.mark.parametrize(
    ("scores", "labels", "told"),
    [
        ([[0.1], [0.2]], [True, True], "all 2 labelled rows have the same label"),
        ([[0.1], [0.2]], [True], "one row of scores per label"),
        ([], [], "one row of scores per label"),
        ([[0.1], [0.2, 0.3]], [True, False], "one row of scores per label"),
        ([[0.1], [math.inf]], [True, False], "finite scores"),
    ],
)
def test_rows_that_cannot_teach_are_told(scores, labels, told):
    with pytest.raises(ConfigError, match=told):
        fit_stack(scores, labels)


def test_rows_without_a_score_are_counted_and_left_out():
    """The second judge gives no verdict on `c` and no score for `d`."""
    judges = [Known({"a": 0.9, "b": 0.1, "c": 0.5, "d": 0.5}), Known({"a": 0.8, "b": 0.3, "d": None})]
    rows = [Labelled("a", ("x",), True), Labelled("b", ("x",), False), Labelled("c", (), True), Labelled("d", (), True)]
    expected = fit_stack([[0.9, 0.8], [0.1, 0.3]], [True, False], 2.0)
    assert fit(judges, rows, 2.0) == Stack(expected.weights, expected.bias, 2, 2)
