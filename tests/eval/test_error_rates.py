"""What a certificate says of single claims, and how far label files differ."""

from __future__ import annotations

import pytest

from eval.agreement import Verdicts
from eval.error_rates import ErrorRates, between, claim_rates, covariance
from eval.resampling import Z, t_quantile


def rows(parts, clusters=None) -> Verdicts:
    """Return rows from (label, verdict, how many)."""
    labels = [y for y, _, n in parts for _ in range(n)]
    verdicts = [v for _, v, n in parts for _ in range(n)]
    return Verdicts(tuple(labels), tuple(verdicts), tuple(map(float, verdicts)), tuple(clusters or range(len(labels))))


def figure(value: float, sd: float = 0.0) -> dict[str, float]:
    return {"value": value, "low": value - Z * sd, "high": value + Z * sd}


def test_rates_are_those_of_answers_of_one_claim() -> None:
    """Answers of two claims are all judged unsupported: as rows they would halve the sensitivity."""
    found = claim_rates(rows([(True, True, 30), (True, False, 30), (False, False, 30)]), [1] * 30 + [2] * 30 + [1] * 30, ["f"] * 90)
    assert (found["of"], found["rows"], found["sensitivity"]["value"]) == ("one_claim", 60, 1.0)


def test_all_rows_stand_in_where_few_answers_are_one_claim() -> None:
    found = claim_rates(rows([(True, True, 30), (False, True, 19), (False, False, 11)]), [1] * 49 + [2] * 11, ["f"] * 60)
    assert (found["of"], found["rows"]) == ("all_rows", 60)
    assert found["specificity"]["value"] == pytest.approx(11 / 30)


def test_a_lenient_source_raises_one_rate_and_lowers_the_other() -> None:
    """Two sources, one all yes, one all no: residuals .5 / 2 and -.5 / 2 of se, the opposite of sp; G / (G - 1) = 2."""
    both = rows([(True, True, 1), (False, True, 1), (True, False, 1), (False, False, 1)], clusters=["a", "a", "b", "b"])
    assert covariance(both) == pytest.approx(2 * 2 * -(0.25**2))
    assert covariance(rows([(True, True, 3)])) == 0.0


def test_files_that_differ_no_more_than_by_chance_do_not_widen_anything() -> None:
    parts = [(True, True, 40), (True, False, 10), (False, True, 10), (False, False, 40)]
    found = between(rows(parts * 2), ["a"] * 100 + ["b"] * 100)
    assert found == {"files": 2, "sensitivity": 0.0, "specificity": 0.0, "covariance": 0.0}


def test_files_that_differ_do_and_small_ones_are_left_out() -> None:
    """Sensitivity .9 and .1, specificity .5 in both; the variance over files is .32 less that of sampling."""
    a = [(True, True, 90), (True, False, 10), (False, True, 50), (False, False, 50)]
    b = [(True, True, 10), (True, False, 90), (False, True, 50), (False, False, 50)]
    found = between(rows([*a, *b, (True, True, 5), (False, False, 5)]), ["a"] * 200 + ["b"] * 200 + ["c"] * 10)
    assert found is not None
    assert found["files"] == 2
    assert found["sensitivity"] == pytest.approx(0.32, abs=0.003)
    assert found["specificity"] == pytest.approx(0.0, abs=0.001)
    assert between(rows(a), ["a"] * 200) is None


def test_rates_of_claims_win_over_those_of_rows() -> None:
    found = ErrorRates.of(
        {"metrics": {"sensitivity": figure(0.1), "specificity": figure(0.1)}, "claims": {"sensitivity": figure(0.8), "specificity": figure(0.9)}}
    )
    assert (found.sensitivity, found.specificity) == (0.8, 0.9)
    assert ErrorRates.of({"metrics": {"sensitivity": figure(0.7, 0.02), "specificity": figure(0.6)}}).var_sensitivity == pytest.approx(0.0004)


def test_the_spread_between_files_is_added_for_one_more_collection() -> None:
    spread = {"files": 4, "sensitivity": 0.01, "specificity": 0.0, "covariance": -0.002}
    found = ErrorRates.of({"claims": {"sensitivity": figure(0.8, 0.02), "specificity": figure(0.9), "covariance": 0.001, "between": spread}})
    wider = 1.25 * (t_quantile(0.975, 3) / Z) ** 2
    assert found.var_sensitivity == pytest.approx(0.0004 + wider * 0.01)
    assert found.covariance == pytest.approx(0.001 - wider * 0.002)
