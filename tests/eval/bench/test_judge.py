"""The figures of the judge's benchmark, on values worked by hand, and the fit of its weights."""

import numpy as np
import pytest

from eval.bench.judge import balanced, miscalibration
from eval.bench.judge_fit import Measured, fit, held_out, threshold_of, transferred
from eval.bench.labels import Row, auroc, containment, sets
from rag.errors import QuestionError


def test_auroc_counts_pairs():
    """Of four pairs two are in order, one is tied and one is not: 2.5 / 4."""
    assert auroc([0.9, 0.5, 0.5, 0.1], [True, False, True, True][:2] + [True, False]) == pytest.approx(3.5 / 4)
    assert auroc([0.2, 0.5, 0.5, 0.1], [True, True, False, False]) == pytest.approx(2.5 / 4)


def test_balanced_accuracy_is_the_mean_of_both_shares():
    """Two of three supported rows are over the threshold, one of two others under it."""
    assert balanced([0.9, 0.6, 0.2, 0.7, 0.1], [True, True, True, False, False], 0.5) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_miscalibration_weighs_both_kinds_alike():
    """All at .75, where at even odds half are supported: off by .25; all right: 0."""
    assert miscalibration([0.75] * 4, [True, True, True, False]) == pytest.approx(0.25)
    assert miscalibration([1.0, 1.0, 0.0], [True, True, False]) == pytest.approx(0.0)


def test_containment_is_the_share_of_distinct_terms():
    """Two of three terms stand in the contexts."""
    assert containment(Row("1", "", ("Shards split.", "Bananas"), "Shards split bread.", True)) == pytest.approx(2 / 3)


def test_a_folder_without_labels_or_fields_is_refused(tmp_path):
    """The message names the place and what is missing."""
    with pytest.raises(QuestionError, match=r"no \.jsonl files"):
        sets(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"question": "", "contexts": [], "answer": "x"}\n', encoding="utf-8")
    with pytest.raises(QuestionError, match=r"a\.jsonl:1: 'supported' is missing"):
        sets(tmp_path)


def drawn(name, shift, seed):
    """Return a set whose labels follow a logistic with weights 4 and 2 and an intercept of its own."""
    rng = np.random.default_rng(seed)
    x = rng.random((4000, 2))
    p = 1 / (1 + np.exp(-(x @ [4.0, 2.0] - 3.0 + shift)))
    return Measured(name, x, np.zeros(4000, dtype=bool), rng.random(4000) < p, np.arange(4000))


def test_the_fit_finds_the_weights_that_made_the_labels():
    """Whatever the odds of each set; the intercept is that at even odds, and the threshold is then about one half."""
    made = [drawn("a", -0.5, 0), drawn("b", 0.5, 1)]
    weights, intercept = fit(made)
    assert weights == pytest.approx([4.0, 2.0], abs=0.5)
    assert intercept == pytest.approx(-3.0, abs=0.3)
    assert threshold_of(made, weights, intercept) == pytest.approx(0.5, abs=0.07)


def test_unseen_sources_and_unseen_sets_are_ordered_about_as_well():
    """Both sets follow the same rule, so that a fit to one orders the other as well as itself."""
    made = [drawn("a", -0.5, 0), drawn("b", 0.5, 1)]
    within, across = held_out(made), transferred(made)
    for name in ("a", "b"):
        assert across[name][0] == pytest.approx(within[name][0], abs=0.01)
        assert 0.7 < within[name][1] < 0.85
