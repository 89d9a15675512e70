"""A gate passes, fails or abstains for the reason it gives, and never passes on what is missing."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.baseline import Measured
from eval.gate import gate
from eval.gate_judge import widened
from eval.gate_outputs import junit, markdown, text
from eval.gate_policy import Policy, read_policy
from eval.score import Score
from rag.errors import ConfigError

N = 60
LOCK = {"corpus": "c", "questions": "q", "judge": {"use": "embedded"}, "config": {}, "models": [], "prompts": {}, "package": "1", "latency": {}}


def side(values, metric="span_recall", clusters=N, **lock):
    """Return a run of one metric; a value that is a text is the reason for none."""
    by = {f"q{i:03}": Score(f"q{i:03}", metric, None, v) if isinstance(v, str) else Score(f"q{i:03}", metric, v) for i, v in enumerate(values)}
    groups = {q: f"d{i % clusters}" for i, q in enumerate(by)}
    return Measured("x", {**LOCK, "metrics": {metric: 1}, **lock}, {metric: by}, groups)


def only(found):
    """Return the single check of a gate."""
    (check,) = found.checks
    return check


def policy(**more):
    return Policy(metrics=("span_recall",), **more)


HALF = [1.0, 0.0] * (N // 2)


def test_the_same_scores_pass_with_a_difference_of_exactly_nothing():
    check = only(gate(side(HALF), side(HALF), policy()))
    assert (check.verdict, check.delta, check.low, check.high, check.n, check.clusters) == ("pass", 0.0, 0.0, 0.0, N, N)


def test_a_drop_beyond_the_margin_has_regressed():
    """Every question loses .2: the interval is that point, below -.05."""
    found = gate(side([v * 0.8 for v in [1.0] * N]), side([1.0] * N), policy())
    assert found.verdict == "regressed"
    assert only(found).delta == pytest.approx(-0.2)
    assert only(found).why == "is worse: -0.200 [-0.200, -0.200], margin 0.05"


def test_a_drop_within_the_margin_passes():
    assert gate(side([0.96] * N), side([1.0] * N), policy()).verdict == "pass"


def test_what_could_be_either_is_inconclusive_and_says_how_many_more_questions_it_needs():
    """Ten of sixty change, as many up as down: sd .4117, so (2.00 + .85)^2 .4117^2 / .05^2 is about 552 questions in all."""
    new = [*[1.0] * 5, *[0.0] * 5, *[0.5] * (N - 10)]
    old = [*[0.0] * 5, *[1.0] * 5, *[0.5] * (N - 10)]
    check = only(gate(side(new), side(old), policy()))
    assert check.verdict == "inconclusive"
    assert check.low < -0.05 < 0.05 < check.high
    assert check.needs_questions == pytest.approx(552 - N, abs=25)


def test_where_lower_is_better_a_rise_has_regressed():
    name = "context_tokens"
    found = gate(side([120.0] * N, name), side([100.0] * N, name), Policy(metrics=(name,), margins={name: 10}))
    assert (found.verdict, only(found).delta, only(found).current) == ("regressed", -20.0, 120.0)
    assert gate(side([80.0] * N, name), side([100.0] * N, name), Policy(metrics=(name,), margins={name: 10})).verdict == "pass"


def test_a_metric_outside_of_0_to_1_needs_a_margin_of_its_own():
    with pytest.raises(ConfigError, match="add `context_tokens: NUMBER` under margins"):
        gate(side([1.0] * N, "context_tokens"), side([1.0] * N, "context_tokens"), Policy(metrics=("context_tokens",)))


@pytest.mark.parametrize("missing", ["the run", "the baseline"])
def test_too_few_values_on_either_side_cannot_pass(missing):
    thin = [*[1.0] * (N - 6), *["timed_out"] * 6]
    sides = {"the run": [1.0] * N, "the baseline": [1.0] * N, missing: thin}
    check = only(gate(side(sides["the run"]), side(sides["the baseline"]), policy()))
    assert check.verdict == "inconclusive"
    assert check.why.startswith(f"only 90.0% of its questions have a value in {missing}, so it cannot pass")
    assert check.lost == {"baseline": 6 * (missing == "the baseline"), "current": 6 * (missing == "the run")}


def test_questions_a_metric_does_not_apply_to_cost_no_coverage():
    values = [*[1.0] * (N - 20), *["not_applicable: no evidence is named"] * 20]
    assert gate(side(values), side(values), policy()).verdict == "pass"


def test_no_gate_passes_on_fewer_than_20_documents_and_a_drop_is_still_seen():
    check = only(gate(side(HALF, clusters=19), side(HALF, clusters=19), policy()))
    assert (check.verdict, check.why.split(":")[0]) == ("inconclusive", "rests on 19 documents, and below 20 nothing passes")
    assert gate(side([0.0] * N, clusters=19), side([1.0] * N, clusters=19), policy()).verdict == "regressed"


def test_one_document_decides_nothing():
    assert gate(side([0.0] * N, clusters=1), side([1.0] * N, clusters=1), policy()).verdict == "inconclusive"


@pytest.mark.parametrize("what", ["corpus", "questions", "judge"])
def test_runs_on_other_data_are_not_comparable(what):
    found = gate(side(HALF, **{what: "other"}), side(HALF), policy())
    assert (found.verdict, found.checks) == ("not_comparable", ())
    assert found.why == f"measured with different {what}: run both with the same, or accept a new baseline"
    assert found.exit_code(policy()) == 4


def test_another_configuration_or_model_is_compared_and_named():
    found = gate(side(HALF, config={"chunk": "x"}, package="2"), side(HALF), policy())
    assert (found.verdict, found.differs) == ("pass", ("config", "package"))


def test_a_metric_of_another_version_or_not_measured_is_not_comparable():
    assert only(gate(side(HALF, metrics={"span_recall": 2}), side(HALF), policy())).verdict == "not_comparable"
    check = only(gate(side(HALF, "span_iou"), side(HALF), policy()))
    assert (check.verdict, check.why) == ("not_comparable", "was not measured in the run")


def test_one_regression_among_passes_is_a_regression_and_one_inconclusive_is_inconclusive():
    def both(first, second):
        a, b = side(first), side(second, "span_iou")
        return Measured("x", {**a.lock, "metrics": {"span_recall": 1, "span_iou": 1}}, {**a.scores, **b.scores}, a.clusters)

    demanded = Policy(metrics=("span_recall", "span_iou"))
    old = both([1.0] * N, [1.0] * N)
    assert gate(both([0.0] * N, [1.0] * N), old, demanded).verdict == "regressed"
    assert gate(both([*[0.0] * 4, *[1.0] * (N - 4)], [1.0] * N), old, demanded).verdict == "inconclusive"


VALUES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=N, max_size=N)


@settings(max_examples=25, deadline=None)
@given(VALUES, VALUES)
def test_a_against_b_is_minus_b_against_a(a, b):
    one, other = only(gate(side(a), side(b), policy())), only(gate(side(b), side(a), policy()))
    assert (one.delta, one.low, one.high) == (-other.delta, -other.high, -other.low)


@settings(max_examples=25, deadline=None)
@given(VALUES, VALUES)
def test_the_verdict_is_what_the_interval_and_the_margin_say(a, b):
    check = only(gate(side(a), side(b), policy()))
    expected = "regressed" if check.high < -0.05 else "pass" if check.low >= -0.05 else "inconclusive"
    assert check.verdict == expected


def test_floor_ceiling_and_never():
    run = side([1.0] * N)
    demanded = Policy(metrics=("span_recall",), floors={"span_recall": 0.9}, ceilings={"span_recall": 0.5}, zero=("span_recall",))
    _, floor, ceiling, never = gate(run, run, demanded).checks
    assert (floor.verdict, ceiling.verdict, never.verdict) == ("pass", "regressed", "pass")
    assert never.why == "is 1 in all 60: with 95% confidence it fails in at most 4.87% of such questions, if they are independent"
    one = gate(side([*[1.0] * (N - 1), 0.0]), run, demanded).checks[-1]
    assert (one.verdict, one.why) == ("regressed", "must be 1 everywhere and is not in 1 of 60: q059")
    assert gate(side(HALF), run, Policy(metrics=("span_recall",), floors={"span_recall": 0.5})).checks[-1].verdict == "inconclusive"


def test_what_was_not_timed_cannot_pass():
    for nothing in ({}, {"stages": {}, "questions": {}, "sample": 0}, None):
        demanded = policy(latency_p95_ms=5, on_inconclusive="pass")
        found = gate(side(HALF, latency=nothing), side(HALF), demanded)
        assert (found.checks[-1].verdict, found.exit_code(demanded)) == ("not_comparable", 4)


def test_a_bound_on_a_metric_without_values_cannot_pass_and_on_few_values_is_inconclusive():
    none = policy(floors={"span_iou": 0.5}, on_inconclusive="pass")
    assert gate(side(HALF), side(HALF), none).exit_code(none) == 4
    thin = gate(side([*[1.0] * (N - 6), *["timed_out"] * 6]), side([1.0] * N), Policy(metrics=("span_recall",), floors={"span_recall": 0.5})).checks[-1]
    assert thin.verdict == "inconclusive"
    assert thin.why == "may break its floor of 0.5: 1.000 [1.000, 1.000]; only 90.0% of its questions have a value, so it cannot pass"
    low = gate(side([*[0.0] * (N - 6), *["timed_out"] * 6]), side([1.0] * N), Policy(metrics=("span_recall",), floors={"span_recall": 0.5})).checks[-1]
    assert low.verdict == "regressed"


CERTAIN = {"metrics": {n: {"value": v, "low": v, "high": v} for n, v in (("sensitivity", 0.9), ("specificity", 0.6))}}
UNSURE = {"metrics": {n: {"value": v, "low": v - 0.1, "high": v + 0.1} for n, v in (("sensitivity", 0.9), ("specificity", 0.6))}}
CHANCE = {"metrics": {n: {"value": 0.5, "low": 0.4, "high": 0.6} for n in ("sensitivity", "specificity")}}


def test_a_judge_that_errs_widens_the_interval():
    """se + sp - 1 is .5: what is seen is half of what is true; a doubtful .5 widens it further; chance says nothing."""
    sure = widened(-0.02, -0.04, 0.0, CERTAIN)
    assert (sure.delta, sure.low, sure.high) == (pytest.approx(-0.04), pytest.approx(-0.08), pytest.approx(0.0))
    unsure = widened(-0.02, -0.04, 0.0, UNSURE)
    assert unsure.low < sure.low
    assert unsure.high > sure.high
    assert (widened(0.1, 0.0, 0.2, CHANCE).low, widened(0.1, 0.0, 0.2, CHANCE).high) == (-1.0, 1.0)
    assert widened(0.1, 0.0, 0.2, None).note == ""


def test_a_judge_that_errs_can_take_a_pass_back():
    """The drop of .05 is one of .1 in truth, of which .09 is allowed: raw it is certain to be less, corrected it is not."""
    new = [*[0.9] * 30, *[1.0] * 30]
    assert gate(side(new, "faithfulness"), side([1.0] * N, "faithfulness"), Policy(metrics=("faithfulness",), margins={"default": 0.09})).verdict == "pass"
    found = gate(side(new, "faithfulness"), side([1.0] * N, "faithfulness"), Policy(metrics=("faithfulness",), margins={"default": 0.09}), CERTAIN)
    assert found.verdict == "inconclusive"


@pytest.mark.parametrize(("rule", "code"), [("fail", 3), ("warn", 0), ("pass", 0)])
def test_the_policy_says_what_inconclusive_means(rule, code):
    demanded = policy(on_inconclusive=rule)
    found = gate(side(HALF, clusters=5), side(HALF, clusters=5), demanded)
    assert found.exit_code(demanded) == code
    suite = ElementTree.fromstring(junit(found, demanded))
    assert (suite.get("failures"), suite.get("skipped")) == (("1", "0") if rule == "fail" else ("0", "1"))
    assert f"on_inconclusive: {rule}" in text(found, demanded)
    assert f"on_inconclusive: {rule}" in markdown(found, demanded)


def test_outputs_name_every_check_and_xml_is_sound():
    run = side([0.0] * N)
    demanded = policy(zero=("span_recall",))
    found = gate(run, side([1.0] * N), demanded)
    suite = ElementTree.fromstring(junit(found, demanded))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "2", "0")
    assert [c.get("name") for c in suite] == ["span_recall", "span_recall"]
    assert "REGRESSED" in text(found, demanded)
    assert "| span_recall | REGRESSED | 1.000 | 0.000 | -1.000 | -1.000 to -1.000 | 0.050 |" in markdown(found, demanded)


def test_the_shipped_policy_is_sound():
    assert read_policy(None).margin(__import__("eval.metrics", fromlist=["parse"]).parse("span_recall")) == 0.05


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("margin: {default: .05}", "margin: Extra inputs are not permitted; known keys: margins"),
        ("floors: {recal@5: 1}", "no metric is called 'recal@5', did you mean 'recall'"),
        ("margins: 3", "margins: Input should be"),
        ("[zero]", "gate.yaml"),
        ("margins: {default: -.1}", "margins.default: a margin is how much worse is allowed"),
        ("level: 95", "level: Input should be less than 1"),
        ("on_inconclusive: maybe", "on_inconclusive: Input should be 'fail', 'warn' or 'pass'"),
    ],
)
def test_a_wrong_policy_is_refused_with_file_and_key(tmp_path, body, message):
    (tmp_path / "gate.yaml").write_text(body)
    with pytest.raises(ConfigError, match=message) as error:
        read_policy(tmp_path / "gate.yaml")
    assert str(tmp_path / "gate.yaml") in str(error.value)
