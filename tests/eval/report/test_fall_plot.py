"""Requirements on the waterfall: one row per stage, all of it in words, colours that say evidence from answers."""

from __future__ import annotations

from eval.report.fall_plot import fall_plot
from eval.report.losses import Losses, Stage

ONE = Losses("hybrid", 40, (Stage("search", 10), Stage("refine parents", 0), Stage("answer", 26), Stage("right", 4)), True)


def test_waterfall_has_a_row_per_stage_and_says_all_of_it():
    text = str(fall_plot(ONE, "fall0"))
    for label in ("all questions", "search", "refine parents", "answer", "right", "40", "10 (25 %)", "0 (0 %)", "26 (65 %)", "4 (10 %)"):
        assert f">{label}</text>" in text
    assert '<title id="fall0-title">hybrid: where questions were lost</title>' in text
    assert "Of 40 answerable questions" in text
    assert "search 10, refine parents 0, answer 26, right 4." in text


def test_evidence_lost_answers_lost_and_what_is_right_differ_in_colour_and_a_stage_that_took_nothing_has_no_bar():
    text = str(fall_plot(ONE, "fall0"))
    assert text.count("fill: var(--accent)") == 1
    taken = [Stage(s.name, s.n + 10 * (s.name == "refine parents") - 10 * (s.name == "answer")) for s in ONE.stages]
    assert str(fall_plot(Losses("hybrid", 40, tuple(taken), True), "fall0")).count("fill: var(--accent)") == 2


def test_same_losses_are_the_same_bytes():
    assert fall_plot(ONE, "fall0") == fall_plot(ONE, "fall0")
