"""Weak spots in plain words: said where the figures show them, and only there."""

from __future__ import annotations

from typing import Any

import pytest

from eval.weak_spots import weak_spots


def figure(value: float, half: float = 0.02) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def body(**changes: Any) -> dict[str, Any]:
    metrics = {name: figure(0.9) for name in ("auroc", "sensitivity", "specificity")}
    whole = {
        "metrics": metrics, "slices": [], "biases": {"length": {"long_minus_short": figure(0.0)}, "order": {"changed": figure(0.0)}},
        "stability": {"same": figure(1.0)}, "coverage": figure(1.0),
    }  # fmt: skip
    return {**whole, **changes}


def part(name: str, auroc: float, small: bool = False, by: str = "file") -> dict[str, Any]:
    return {"by": by, "name": name, "small": small, "metrics": {"auroc": figure(auroc)}}


def test_a_good_judge_has_none() -> None:
    assert weak_spots(body()) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"metrics": {"auroc": figure(0.9), "sensitivity": figure(0.6), "specificity": figure(0.9)}}, "rejects 40% of supported answers"),
        ({"metrics": {"auroc": figure(0.9), "sensitivity": figure(0.9), "specificity": figure(0.5)}}, "passes 50% of unsupported answers as supported"),
        ({"metrics": {**body()["metrics"], "calibration_error": figure(0.2)}}, "its confidence is off by 20% on average"),
        ({"slices": [part("law", 0.6)]}, "hardly tells supported from unsupported on law (AUROC 0.60)"),
        ({"slices": [part("law", 0.8)]}, "weaker on law (AUROC 0.80, 0.90 on all)"),
        ({"slices": [part("long (from 20 words)", 0.6, by="length")]}, "hardly tells supported from unsupported on long (from 20 words) answers (AUROC 0.60)"),
        ({"stability": {"same": figure(0.8)}}, "gives another verdict the second time on 20% of answers"),
        ({"coverage": figure(0.9)}, "gave no verdict on 10% of answers"),
        (
            {"biases": {"length": {"long_minus_short": figure(-0.2)}, "order": {"changed": figure(0.0)}}},
            "calls long answers supported 20% of the time less often than short ones of the same label",
        ),
    ],
)
def test_a_weakness_is_said_in_words(change: dict[str, Any], told: str) -> None:
    assert weak_spots(body(**change)) == [told]


def test_too_few_rows_are_the_first_weak_spot() -> None:
    """30 rows of either label and 20 sources are the least, as for a slice; a certificate that does not say how many is not accused."""
    assert weak_spots(body(supported=12, judged=18, clusters=1)) == ["rests on 12 supported and 6 unsupported rows from 1 sources, too few to rely on"]
    assert weak_spots(body(supported=30, judged=60, clusters=20)) == []


@pytest.mark.parametrize(("lacks", "word"), [("sensitivity", "supported"), ("specificity", "unsupported")])
def test_a_rate_that_was_not_measured_is_no_good_rate(lacks: str, word: str) -> None:
    assert weak_spots(body(metrics={**body()["metrics"], lacks: None})) == [f"was not measured on {word} answers: no such row has a verdict"]


def test_small_slices_and_what_may_be_chance_are_not_weak_spots() -> None:
    assert weak_spots(body(slices=[part("tiny", 0.3, small=True), part("much the same", 0.87)])) == []
    unsure = {"length": {"long_minus_short": figure(0.2, 0.3)}, "order": {"changed": None}}
    assert weak_spots(body(biases=unsure)) == []
