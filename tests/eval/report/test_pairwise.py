"""Requirements on the matrix of all pairs: one family for Holm, two sides of one comparison, nothing said where nothing pairs."""

from __future__ import annotations

from itertools import combinations

import pytest

from eval.comparison import compare
from eval.metrics import parse_all
from eval.records import read_scores
from eval.report.pairwise import margin, matrix
from eval.report.view import View
from eval.stats import holm

BEST = [1.0] * 50
WORST = [0.0] * 50
MIXED = [1.0, 0.0] * 25


def cells(view):
    found = matrix(view)
    return found, {(a, b): cell for a, row in found.rows for b, cell in zip(found.names, row, strict=True)}


@pytest.fixture
def three(make_run):
    return View(*make_run({"a": {"recall@5": BEST}, "b": {"recall@5": BEST}, "c": {"recall@5": WORST}}))


def test_equal_configurations_are_tied_and_the_better_of_others_is_ahead(three):
    found, cell = cells(three)
    assert found.names == ("a", "b", "c")
    assert (found.pairs, found.told, found.left_out) == (3, 2, 0)
    assert {k: c.says for k, c in cell.items()} == {
        ("a", "a"): "self", ("b", "b"): "self", ("c", "c"): "self", ("a", "b"): "tied", ("b", "a"): "tied",
        ("a", "c"): "better", ("c", "a"): "worse", ("b", "c"): "better", ("c", "b"): "worse",
    }  # fmt: skip
    assert (cell["a", "c"].delta, cell["c", "a"].delta) == ("+1.000", "\N{MINUS SIGN}1.000")
    assert cell["a", "c"].p == cell["c", "a"].p


def test_p_is_adjusted_over_all_pairs_and_not_only_those_with_the_leader(make_run):
    """8 questions against the leader's none, and 8 others: p is Holm's over the three comparisons that `rag-eval compare` makes."""
    values = {"a": BEST, "b": [0.0] * 8 + [1.0] * 42, "c": [1.0] * 8 + [0.0] * 9 + [1.0] * 33}
    summary, folder = make_run({n: {"recall@5": v} for n, v in values.items()}, clusters=50)
    groups = {f"q{i}": f"doc{i}.md" for i in range(50)}
    pairs = list(combinations("abc", 2))
    alone = [compare(a, read_scores(folder / a), b, read_scores(folder / b), groups, parse_all(["recall@5"]))["metrics"]["recall@5"]["p"] for a, b in pairs]
    _, cell = cells(View(summary, folder))
    assert [cell[pair].p for pair in pairs] == ["<0.001" if p < 0.001 else f"{p:.3f}" for p in holm(alone)]
    assert len({cell[pair].p for pair in pairs}) > 1


def test_interval_without_0_and_adjusted_p_of_005_or_more_is_not_sure_from_either_side(make_run):
    """6 wins of 50 against none: alone p = 2 / 2^6 = 0.031, counted with others it is above 0.05, while the interval stays above 0."""
    almost = [0.0] * 6 + [1.0] * 44
    _, cell = cells(View(*make_run({"a": {"recall@5": BEST}, "b": {"recall@5": almost}, "c": {"recall@5": almost}}, clusters=50)))
    assert (cell["a", "b"].says, cell["b", "a"].says) == ("better, not sure", "worse, not sure")
    assert cell["b", "c"].says == "tied"


def test_of_a_metric_that_is_better_lower_the_lower_row_is_better(make_run):
    values = {"many": [900.0] * 50, "few": [300.0] * 50, "some": [600.0] * 50}
    found, cell = cells(View(*make_run({n: {"context_tokens": v} for n, v in values.items()})))
    assert found.names == ("few", "some", "many")
    assert cell["few", "many"].says == "better"
    assert cell["few", "many"].delta == "\N{MINUS SIGN}600"
    assert cell["many", "some"].says == "worse"


def test_configuration_that_is_better_on_shared_questions_than_one_ranked_above_it_is_called_better(make_run):
    """a has the higher mean, on 25 questions that it alone answered; on the 25 that both have, b wins each."""
    a = [1.0] * 75 + [0.0] * 25
    b = ["abstained"] * 75 + [0.5] * 25
    _, cell = cells(View(*make_run({"a": {"recall@5": a}, "b": {"recall@5": b}, "c": {"recall@5": [0.0] * 100}}, clusters=100)))
    assert (cell["a", "b"].says, cell["b", "a"].says) == ("worse", "better")
    assert (cell["a", "b"].delta, cell["b", "a"].delta) == ("\N{MINUS SIGN}0.500", "+0.500")


def test_pair_without_shared_questions_is_neither_tied_nor_counted(make_run):
    half = BEST[:25]
    values = {"a": half + ["abstained"] * 25, "b": ["abstained"] * 25 + half, "c": WORST}
    found, cell = cells(View(*make_run({n: {"recall@5": v} for n, v in values.items()}, clusters=50)))
    assert cell["a", "b"].says == cell["b", "a"].says == "unpaired"
    assert (found.pairs, found.told) == (2, 2)


def test_beyond_fifteen_the_best_are_taken_and_the_others_counted(make_run):
    values = {f"c{i:02}": {"recall@5": [float(q >= i) for q in range(50)]} for i in range(18)} | {"none": {"recall@5": ["timed_out"] * 50}}
    found = matrix(View(*make_run(values)))
    assert found.names == tuple(f"c{i:02}" for i in range(15))
    assert found.pairs == 15 * 14 // 2
    assert found.left_out == 3  # what has no value is in no family


@pytest.mark.parametrize("values", [{"a": BEST}, {"a": BEST, "b": MIXED}, {"a": ["abstained"] * 50, "b": ["abstained"] * 50, "c": ["abstained"] * 50}])
def test_fewer_than_three_values_make_no_matrix(make_run, values):
    assert matrix(View(*make_run({n: {"recall@5": v} for n, v in values.items()}))) is None


def test_margin_is_that_of_the_gate_that_ships_and_none_where_it_has_none():
    assert margin("recall@5") == 0.05
    assert margin("context_tokens") is None  # in tokens: a default margin for values in 0 to 1 does not fit
    assert margin("not_installed") is None
