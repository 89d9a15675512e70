"""Rates without the judge's error: worked values, and intervals that hold the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.correction import corrected, prediction_powered
from eval.resampling import share

RATES = st.floats(0, 1)


def certificate(se: float, sp: float, sd: float = 0.0) -> dict[str, object]:
    return {"claims": {n: {"value": v, "low": v - 1.96 * sd, "high": v + 1.96 * sd} for n, v in (("sensitivity", se), ("specificity", sp))}}


def test_a_worked_value() -> None:
    """(.66 + .9 - 1) / (.8 + .9 - 1) = .8: of 100 claims 80 are true, 64 of them found, and 2 of the 20 others passed."""
    found = corrected([0.66] * 50 + [0.56, 0.76] * 25, list(range(100)), certificate(0.8, 0.9))
    assert found["method"] == "rogan_gladen"
    assert found["value"] == pytest.approx(0.8)
    assert found["low"] < 0.8 < found["high"]


@given(st.lists(RATES, min_size=1, max_size=30))
def test_a_perfect_judge_leaves_the_rate_as_it_is(values: list[float]) -> None:
    found = corrected(values, list(range(len(values))), certificate(1.0, 1.0))
    assert found["value"] == pytest.approx(float(np.mean(values)))
    assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1


@given(st.lists(RATES, min_size=1, max_size=20), st.floats(0.51, 1), st.floats(0.51, 1), st.floats(0, 0.2))
def test_a_value_lies_in_its_interval_and_both_in_0_to_1(values: list[float], se: float, sp: float, sd: float) -> None:
    found = corrected(values, list(range(len(values))), certificate(se, sp, sd))
    if "why" not in found:
        assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1


def test_known_error_rates_give_the_scaled_interval_and_unknown_ones_a_wider_one() -> None:
    values = ([0.5, 0.7] * 100)[:200]
    sure, unsure = (corrected(values, list(range(200)), certificate(0.8, 0.8, sd)) for sd in (0.0, 0.05))
    half = 1.9719 * np.std(values, ddof=1) / np.sqrt(200) / 0.6
    assert (sure["high"] - sure["low"]) / 2 == pytest.approx(half, rel=1e-3)
    assert unsure["high"] - unsure["low"] > 2 * (sure["high"] - sure["low"])


def test_questions_of_one_document_count_less() -> None:
    values = [0.4, 0.8] * 50
    apart = corrected(values, list(range(100)), certificate(0.9, 0.9))
    together = corrected(sorted(values), [i // 10 for i in range(100)], certificate(0.9, 0.9))
    assert together["high"] - together["low"] > 2 * (apart["high"] - apart["low"])


@pytest.mark.parametrize(("se", "sp"), [(0.5, 0.5), (0.3, 0.6)])
def test_a_judge_no_better_than_chance_corrects_nothing(se: float, sp: float) -> None:
    assert "no better than chance" in corrected([0.5, 0.6], ["a", "b"], certificate(se, sp, 0.05))["why"]


def test_a_rate_that_the_judge_could_not_give_is_said_to_be_of_other_claims() -> None:
    """Quotes: all supported, though the judge finds only 6 in 10 supported claims on labelled rows."""
    found = corrected([1.0] * 200, list(range(200)), certificate(0.6, 0.9, 0.02))
    assert "of another kind" in found["why"]
    assert "0.100 to 0.600" in found["why"]


def test_a_rate_just_beyond_what_the_judge_gives_is_held_to_1() -> None:
    found = corrected([0.6, 1.0] * 20, list(range(40)), certificate(0.78, 0.9, 0.03))
    assert (found["value"], found["high"]) == (1.0, 1.0)
    assert found["low"] < 1


def test_equal_rates_are_not_certain() -> None:
    found = corrected([0.7] * 30, list(range(30)), certificate(0.9, 0.9))
    assert found["high"] - found["low"] > 0.1


def test_without_certificate_values_or_one_of_the_labels_there_is_a_reason() -> None:
    assert "not certified" in corrected([0.5], ["a"], None)["why"]
    assert corrected([], [], certificate(0.9, 0.9)) == {"why": "no question has a value"}
    assert "one of the two labels" in corrected([0.5], ["a"], {"metrics": {"sensitivity": None, "specificity": None}})["why"]


@pytest.mark.parametrize(("values", "clusters"), [([0.5], ["a", "b"]), ([1.5], ["a"]), ([float("nan")], ["a"])])
def test_what_is_no_rate_is_refused(values: list[float], clusters: list[str]) -> None:
    with pytest.raises(ValueError, match="one rate in 0 to 1"):
        corrected(values, clusters, certificate(0.9, 0.9))


def test_values_that_no_judge_gave_are_right_as_they_are() -> None:
    """Half the questions have a 0 for certain; of the other half .66 means .8: .4 in all."""
    judged = [True, False] * 100
    values = [0.66 if j else 0.0 for j in judged]
    assert corrected(values, list(range(200)), certificate(0.8, 0.9), judged)["value"] == pytest.approx(0.4)


def run(rng: np.random.Generator, se: float, sp: float, questions: int, per: int = 1) -> tuple[list[float], list[int], np.ndarray, np.ndarray]:
    """Return judged rates, clusters of `per` questions, true claims and verdicts; 3 claims a question, .6 of them true."""
    true = rng.random((questions, 3)) < np.repeat(rng.beta(2.4, 1.6, questions // per), per)[:, None]
    said = np.where(true, rng.random(true.shape) < se, rng.random(true.shape) < 1 - sp)
    return said.mean(axis=1).tolist(), (np.arange(questions) // per).tolist(), true, said


@pytest.mark.parametrize(("se", "sp", "per"), [(0.8, 0.7, 1), (0.95, 0.9, 4), (0.62, 0.6, 2)])
def test_the_interval_holds_the_truth_in_95_of_100_with_uncertain_error_rates(se: float, sp: float, per: int) -> None:
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(400):
        labels = rng.random(300) < 0.5
        right = np.where(labels, rng.random(300) < se, rng.random(300) < sp)
        rates = [share(right[labels == label].tolist(), range(int((labels == label).sum()))).as_dict() for label in (True, False)]
        values, clusters, _, _ = run(rng, se, sp, 200, per)
        found = corrected(values, clusters, {"claims": {"sensitivity": rates[0], "specificity": rates[1]}})
        inside += found["low"] <= 0.6 <= found["high"]
    assert 0.92 <= inside / 400 <= 0.98


def some(rng: np.random.Generator, true: np.ndarray, said: np.ndarray, n: int) -> dict[int, tuple[float, float]]:
    """Return labels of one random claim in each of `n` random questions."""
    return {int(i): (float(said[i, k]), float(true[i, k])) for i in rng.choice(len(true), n, replace=False) for k in [rng.integers(3)]}


@pytest.mark.parametrize(
    ("se", "sp", "questions", "per", "n"), [(0.9, 0.8, 200, 1, 50), (0.6, 0.5, 200, 1, 50), (0.9, 0.8, 200, 4, 50), (0.95, 0.95, 60, 1, 20)]
)
def test_labels_of_the_run_hold_the_truth_in_95_of_100_whatever_the_judge(se: float, sp: float, questions: int, per: int, n: int) -> None:
    rng = np.random.default_rng(6)
    inside = 0
    for _ in range(400):
        values, clusters, true, said = run(rng, se, sp, questions, per)
        found = prediction_powered(values, clusters, some(rng, true, said, n))
        inside += found["low"] <= 0.6 <= found["high"]
    assert 0.92 <= inside / 400 <= 0.98


def test_a_good_judge_makes_few_labels_go_further_and_a_useless_one_is_left_out() -> None:
    rng = np.random.default_rng(7)
    widths = {}
    for se in (0.97, 0.5):
        values, clusters, true, said = run(rng, se, 0.97 if se > 0.9 else 0.5, 1000)
        labelled = some(rng, true, said, 80)
        found = prediction_powered(values, clusters, labelled)
        alone = 2 * 1.96 * np.std([y for _, y in labelled.values()]) / np.sqrt(80)
        widths[se] = (found["high"] - found["low"]) / alone
        assert (found["tuning"] > 0.6) == (se > 0.9)
    assert widths[0.97] < 0.75
    assert widths[0.5] < 1.1


def test_all_labels_of_all_claims_give_the_people_s_rate() -> None:
    values, human = [0.2, 0.9, 0.5, 1.0, 0.3, 0.6] * 3, [0.0, 1.0, 1.0, 1.0, 0.0, 0.5] * 3
    found = prediction_powered(values, list(range(18)), {i: (values[i], human[i]) for i in range(18)})
    assert found["value"] == pytest.approx(float(np.mean(human)))
    assert found["method"] == "prediction_powered"


def test_a_worked_value_of_prediction_powered_inference() -> None:
    """A judge that is right on labels moves the estimate from the labelled .5 to its own mean on all, by the tuning."""
    values = [1.0, 0.0] * 10 + [1.0] * 20
    found = prediction_powered(values, list(range(40)), {i: (values[i], values[i]) for i in range(20)})
    assert found["value"] == pytest.approx(0.5 + found["tuning"] * 0.25)
    assert found["tuning"] > 0.9


def test_what_was_not_judged_keeps_its_value_under_labels_too() -> None:
    judged = [True] * 40 + [False] * 40
    values = [1.0, 0.0] * 20 + [0.0] * 40
    found = prediction_powered(values, list(range(80)), {i: (values[i], 1.0) for i in range(40)}, judged)
    assert found["value"] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="not judged"):
        prediction_powered(values, list(range(80)), {79: (0.0, 0.0)}, judged)


def test_too_few_labels_or_clusters_are_said() -> None:
    assert "9 questions" in prediction_powered([0.5] * 20, list(range(20)), dict.fromkeys(range(9), (0.5, 0.5)))["why"]
    assert "in 2 clusters" in prediction_powered([0.5] * 20, [i % 2 for i in range(20)], dict.fromkeys(range(20), (0.5, 0.5)))["why"]
