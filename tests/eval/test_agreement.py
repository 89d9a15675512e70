"""Agreement of verdicts and labels, against worked values and a reference implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from eval.agreement import Verdicts, agreement, auroc, auroc_within, balanced_accuracy, bootstrapped, brier, calibration_error, kappa, rates

ONE = np.ones((1, 8))
LABELS = np.array([True, True, True, True, False, False, False, False])
VERDICTS = np.array([True, True, True, False, True, False, False, False])


def rows(labels, verdicts, scores=None, clusters=None, confidences=None) -> Verdicts:
    scores = scores if scores is not None else [float(v) for v in verdicts]
    clusters = clusters if clusters is not None else range(len(labels))
    return Verdicts(tuple(labels), tuple(verdicts), tuple(scores), tuple(clusters), None if confidences is None else tuple(confidences))


def test_auroc_counts_pairs_and_half_of_ties() -> None:
    """Pairs: .9 beats both, .5 beats .2 and ties .5: 3.5 of 4."""
    value = auroc(np.array([0.9, 0.5, 0.5, 0.2]), np.array([True, True, False, False]))
    assert value(np.ones((1, 4)))[0] == pytest.approx(3.5 / 4)


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=30).filter(lambda r: 0 < sum(y for _, y in r) < len(r)))
def test_auroc_is_mann_whitneys(found: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([float(s) for s, _ in found]), np.array([y for _, y in found])
    u = mannwhitneyu(scores[labels], scores[~labels]).statistic
    assert auroc(scores, labels)(np.ones((1, len(found))))[0] == pytest.approx(u / (labels.sum() * (~labels).sum()))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 3)), min_size=2, max_size=12).filter(
        lambda r: any(y and w for _, y, w in r) and any(w and not y for _, y, w in r)
    )
)
def test_a_weight_is_a_row_that_comes_so_often(found: list[tuple[int, bool, int]]) -> None:
    """What resampling relies on: weighted statistics are those of the repeated rows."""
    scores, labels, weights = (np.array(column) for column in zip(*found, strict=True))
    scores, labels = scores.astype(float), labels.astype(bool)
    verdicts = scores > 1
    often = np.repeat(np.arange(len(found)), weights)
    for make, left in ((auroc, scores), (balanced_accuracy, verdicts)):
        whole = make(left[often], labels[often])(np.ones((1, len(often))))
        assert make(left, labels)(weights[None, :].astype(float))[0] == pytest.approx(whole[0])


def test_rates_balanced_accuracy_and_kappa_by_hand() -> None:
    """3 of 4 and 3 of 4: balanced .75; agreement .75 against .5 by chance gives kappa .5."""
    found = rates(rows(LABELS.tolist(), VERDICTS.tolist()))
    assert (found["sensitivity"].value, found["specificity"].value) == (0.75, 0.75)
    assert balanced_accuracy(VERDICTS, LABELS)(ONE)[0] == pytest.approx(0.75)
    assert kappa(VERDICTS, LABELS)(ONE)[0] == pytest.approx(0.5)


def test_sensitivity_is_of_supported_rows_and_specificity_of_the_others() -> None:
    found = rates(rows([True] * 10 + [False] * 10, [True] * 20))
    assert (found["sensitivity"].value, found["specificity"].value) == (1.0, 0.0)


def test_brier_and_calibration_error_by_hand() -> None:
    """Two bins: mean confidence .3 with .5 supported, and .8 with 1: (.2 + .2) / 2."""
    sure, labels = np.array([0.2, 0.4, 0.7, 0.9]), np.array([False, True, True, True])
    assert brier(sure, labels)(np.ones((1, 4)))[0] == pytest.approx((0.04 + 0.36 + 0.09 + 0.01) / 4)
    assert calibration_error(sure, labels, bins=2)(np.ones((1, 4)))[0] == pytest.approx(0.2)


def test_equal_confidences_share_a_bin() -> None:
    """All .5, half of them supported, in any order: calibrated, though sorted halves are not."""
    sure, labels = np.full(20, 0.5), np.array([True] * 10 + [False] * 10)
    assert calibration_error(sure, labels)(np.ones((1, 20)))[0] == pytest.approx(0.0)


def test_calibration_is_only_measured_where_there_is_confidence() -> None:
    labels, verdicts = [True, False] * 20, [True, False] * 20
    assert not {"brier", "calibration_error"} & agreement(rows(labels, verdicts)).keys()
    found = agreement(rows(labels, verdicts, confidences=[0.9, 0.1] * 20))
    assert found["brier"].value == pytest.approx(0.01)
    assert found["calibration_error"].value == pytest.approx(0.1)


def test_what_one_label_cannot_say_is_not_a_number() -> None:
    found = agreement(rows([True] * 10, [True] * 9 + [False]))
    assert found["sensitivity"].value == 0.9
    assert (found["specificity"], found["auroc"], found["balanced_accuracy"]) == (None, None, None)


def test_one_cluster_has_no_interval() -> None:
    """Every resample of one cluster is the same rows: an interval of no width would call chance certain."""
    scores, labels = np.arange(8, dtype=np.float64), np.arange(8) % 3 == 0
    found = bootstrapped(auroc(scores, labels), ["one"] * 8)
    assert (found.low, found.high) == (None, None)
    assert found.value == pytest.approx(6.0 / 15.0)


def test_the_bootstrap_resamples_clusters() -> None:
    """Copies of rows in their cluster leave the interval as it is; as rows of their own they would narrow it."""
    rng = np.random.default_rng(3)
    labels, scores = rng.random(60) < 0.5, rng.random(60)
    alone = bootstrapped(auroc(scores, labels), list(range(60)))
    copied = bootstrapped(auroc(np.repeat(scores, 5), np.repeat(labels, 5)), np.repeat(np.arange(60), 5).tolist())
    assert (alone.low, alone.high) == (pytest.approx(copied.low), pytest.approx(copied.high))
    assert alone.low < alone.value < alone.high


def test_the_interval_of_auroc_holds_the_truth_in_95_of_100() -> None:
    """Scores N(1, 1) against N(0, 1): the truth is Phi(1 / sqrt 2) = .7602; clusters of two equal rows."""
    rng = np.random.default_rng(11)
    inside = 0
    for _ in range(400):
        labels = np.repeat(rng.random(60) < 0.5, 2)
        scores = np.repeat(rng.normal(size=60), 2) + labels
        found = bootstrapped(auroc(scores, labels), np.repeat(np.arange(60), 2).tolist(), draws=300)
        inside += found.low <= 0.7602 <= found.high
    assert 0.92 <= inside / 400 <= 0.98


def test_auroc_within_files_does_not_reward_telling_files_apart() -> None:
    """A score that only names the file: chance within each, though pooled 81 of 100 pairs are won and 18 tied."""
    labels = [True] * 9 + [False] + [True] + [False] * 9
    scores, files = [1.0] * 10 + [0.0] * 10, ["a"] * 10 + ["b"] * 10
    both = rows(labels, [s > 0 for s in scores], scores)
    assert auroc_within(both, files).value == pytest.approx(0.5)
    assert agreement(both)["auroc"].value == pytest.approx((9 * 9 + 9 * 1 / 2 + 1 * 9 / 2) / 100)
