"""Length, order and repetition: a bias is found where it is put, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from eval.biases import changed, length_bias, orders, words


def measured(lengths, verdicts, labels):
    n = len(lengths)
    return length_bias(lengths, verdicts, labels, ["file"] * n, list(range(n)))


def test_length_in_words() -> None:
    assert words(" two\nwords ") == 2


def test_a_judge_that_follows_length_is_biased_and_labels_are_not() -> None:
    """Verdict: longer than 10. Labels alternate, so length says nothing of them."""
    lengths = list(range(1, 21))
    found = measured(lengths, [n > 10 for n in lengths], [n % 4 in (0, 1) for n in lengths])
    assert found["auroc_verdict"].value == 1.0
    assert found["auroc_label"].value == pytest.approx(0.5, abs=0.05)
    assert found["long_minus_short"].value == 1.0


def test_a_right_judge_is_not_biased_where_long_answers_are_truly_better() -> None:
    rng = np.random.default_rng(1)
    lengths = rng.integers(1, 50, 200).tolist()
    labels = [n + rng.normal() * 10 > 25 for n in lengths]
    found = measured(lengths, labels, labels)
    assert found["auroc_label"].value > 0.8
    assert (found["difference"].value, found["long_minus_short"].value) == (0.0, 0.0)


def test_long_minus_short_by_hand() -> None:
    """Supported rows 1, 2 | 3, 4 with verdicts no, yes | yes, yes: .5; unsupported ones without a difference; equal weights: .25."""
    found = measured([1, 2, 3, 4] * 2, [False, True, True, True] + [False] * 4, [True] * 4 + [False] * 4)
    assert found["long_minus_short"].value == pytest.approx(0.25)


def test_equal_lengths_say_nothing() -> None:
    assert measured([5] * 6, [True, False] * 3, [True, False] * 3)["long_minus_short"] is None


def test_changed_counts_rows_with_another_verdict() -> None:
    assert changed([True, True, False, False], [True, False, False, True], range(4)).value == 0.5
    assert changed([], [], []) is None


def test_contexts_are_reversed_and_a_single_one_gets_company() -> None:
    assert orders(["a", "b", "c"], "x") == (("a", "b", "c"), ("c", "b", "a"))
    assert orders(["a"], "x") == (("a", "x"), ("x", "a"))
    assert orders(["a"], None) is None
    assert orders(["a", "a"], None) is None
