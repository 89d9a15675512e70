"""Sums over questions: exact, and the same in whatever order the questions come."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.explain.difference import difference
from eval.explain.explained import Explained, Explanation
from eval.explain.text import difference_text, waterfall_text
from eval.explain.waterfall import waterfall

STAGES = ("corpus", "chunk", "search", "pack")


def question(number: int, losses: list[int]) -> Explained:
    """Return a question whose losses are tenths."""
    lost = {s: n / 10 for s, n in zip(STAGES, losses, strict=True)}
    stage = next((s for s, n in lost.items() if n), "right")
    return Explained(f"q{number}", stage, "", "", lost, 1 - sum(lost.values()), {}, {"bm25": 0.5}, {"bm25": 0.5}, (True,), True)


tenths = st.lists(st.integers(0, 2), min_size=4, max_size=4)
explanations = st.lists(tenths, min_size=1, max_size=8).map(lambda rows: tuple(question(i, r) for i, r in enumerate(rows)))
CLUSTERS = {f"q{i}": f"d{i % 3}" for i in range(8)}


@settings(max_examples=25, deadline=None)
@given(explanations, st.randoms(use_true_random=False))
def test_the_order_of_questions_does_not_matter(found, random):
    mixed = list(found)
    random.shuffle(mixed)
    whole, other = Explanation("a", "span_recall", STAGES, found), Explanation("a", "span_recall", STAGES, tuple(mixed))
    assert waterfall(whole, CLUSTERS) == waterfall(other, CLUSTERS)
    assert difference(whole, other, CLUSTERS) == difference(whole, whole, CLUSTERS)


@settings(max_examples=25, deadline=None)
@given(explanations)
def test_bars_and_what_is_left_make_the_whole_and_every_question_has_one_outcome(found):
    body = waterfall(Explanation("a", "span_recall", STAGES, found), CLUSTERS)
    assert sum(s["lost"] for s in body["stages"]) + body["left"] == pytest.approx(1, abs=1e-9)
    assert sum(o["n"] for o in body["outcomes"]) == len(found)


@settings(max_examples=25, deadline=None)
@given(explanations, explanations)
def test_stage_by_stage_the_difference_sums_to_the_whole_and_turns_its_sign(a, b):
    left, right = Explanation("a", "span_recall", STAGES, a), Explanation("b", "span_recall", STAGES, b)
    there, back = difference(left, right, CLUSTERS), difference(right, left, CLUSTERS)
    assert sum(r["delta"] for r in there["stages"]) == pytest.approx(there["total"]["delta"], abs=1e-9)
    assert [(r["delta"], r["low"], r["high"]) for r in there["stages"]] == [(-r["delta"], -r["high"], -r["low"]) for r in back["stages"]]


def test_a_stage_that_only_one_side_has_is_counted_on_that_side():
    with_refiner = replace(question(0, [0, 0, 0, 0]), lost={"search": 0.0, "refine mmr": 0.25, "pack": 0.0}, left=0.75)
    a = Explanation("a", "span_recall", ("search", "refine mmr", "pack"), (with_refiner,))
    b = Explanation("b", "span_recall", ("search", "pack"), (replace(with_refiner, lost={"search": 0.5, "pack": 0.0}, left=0.5),))
    assert {r["stage"]: r["delta"] for r in difference(a, b, CLUSTERS)["stages"]} == {"search": 0.5, "refine mmr": -0.25, "pack": 0.0}
    assert {r["stage"]: r["delta"] for r in difference(b, a, CLUSTERS)["stages"]} == {"search": -0.5, "refine mmr": 0.25, "pack": 0.0}


def test_questions_without_evidence_that_can_be_measured_are_counted_and_not_averaged():
    unmeasured = replace(question(1, [0, 0, 0, 0]), stage="corpus", left=0.0)
    body = waterfall(Explanation("a", "span_recall", STAGES, (question(0, [0, 0, 2, 0]), unmeasured), {"failed (refused)": 1}), CLUSTERS)
    assert (body["n"], body["measured"], body["left"]) == (2, 1, 0.8)
    assert "left out: 1 questions, failed (refused)" in waterfall_text(body)


def test_nothing_to_explain_is_said_in_words():
    none = Explanation("a", "span_recall", STAGES, ())
    assert waterfall(none, CLUSTERS)["left"] is None
    assert "0 questions" in waterfall_text(waterfall(none, CLUSTERS))
    assert "no question is explained on both sides" in difference_text(difference(none, none, CLUSTERS))
