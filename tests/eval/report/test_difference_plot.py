"""Requirements on the plot of differences: it says what the comparison says, in words too, and leaves out what was not compared."""

from __future__ import annotations

import re

from eval.report.difference_plot import difference_plot
from eval.report.plots import MOST_DRAWN
from eval.report.view import View

BEST = [1.0] * 50
WORST = [0.0] * 50
MIXED = [1.0, 0.0] * 25


def drawn(view, wide=760):
    return str(difference_plot(view, view.first, view.differences, "gap", wide))


def test_every_difference_is_told_in_the_description_with_interval_p_and_verdict(make_run):
    text = drawn(View(*make_run({"a": {"recall@5": BEST}, "b": {"recall@5": BEST}, "c": {"recall@5": WORST}})))
    assert '<svg role="img"' in text
    assert 'aria-labelledby="gap-title" aria-describedby="gap-desc"' in text
    assert '<title id="gap-title">recall@5: differences from the leader</title>' in text
    (says,) = re.findall(r'<desc id="gap-desc">(.*?)</desc>', text)
    assert says.startswith("a minus each other configuration")
    assert "b: 0.000, 0.000 to 0.000, p 1.000, cannot be told apart" in says
    assert "c: +1.000, +1.000 to +1.000, p &lt;0.001, behind." in says


def test_only_what_is_told_apart_has_the_accent(make_run):
    """The tied configuration is muted and hollow; colour is never alone, the shape of the mark differs too."""
    tied = drawn(View(*make_run({"a": {"recall@5": BEST}, "b": {"recall@5": BEST}}, where="tied")))
    behind = drawn(View(*make_run({"a": {"recall@5": BEST}, "b": {"recall@5": WORST}}, where="behind")))
    assert "var(--accent)" not in tied
    assert "fill: var(--paper)" in tied
    assert "var(--accent)" in behind
    assert "fill: var(--paper)" not in behind


def test_margin_is_a_dashed_line_and_only_there_for_metrics_that_have_one(make_run):
    with_margin = drawn(View(*make_run({"a": {"recall@5": BEST}, "b": {"recall@5": MIXED}}, where="with")))
    without = drawn(View(*make_run({"a": {"context_tokens": [300.0] * 50}, "b": {"context_tokens": [900.0] * 50}}, where="without")))
    assert "stroke-dasharray" in with_margin
    assert "stroke-dasharray" not in without


def test_colours_are_variables_of_the_page_only(make_run):
    text = drawn(View(*make_run({"a": {"recall@5": BEST}, "b": {"recall@5": MIXED}})))
    assert not re.findall(r"(?:fill|stroke): #", text)


def test_configuration_that_shares_no_question_is_not_drawn_and_none_at_all_is_no_plot(make_run):
    half = BEST[:25]
    values = {"a": half + ["abstained"] * 25, "b": ["abstained"] * 25 + half, "c": WORST}
    text = drawn(View(*make_run({n: {"recall@5": v} for n, v in values.items()}, where="half")))
    assert ">c</text>" in text
    assert ">b</text>" not in text
    assert drawn(View(*make_run({"only": {"recall@5": BEST}}, where="only"))) == ""


def test_thirty_long_names_are_cut_to_the_best_and_stay_apart(make_run):
    values = {f"sweep-{'x' * 30}-chunk{i:03}-{'y' * 30}": {"recall@5": [float(q >= i) for q in range(50)]} for i in range(30)}
    text = drawn(View(*make_run(values)), 360)
    labels = re.findall(r">(\d+: [^<]*)</text>", text)
    assert len(labels) == len(set(labels)) == MOST_DRAWN
