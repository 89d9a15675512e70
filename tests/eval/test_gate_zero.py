"""What must never happen: a single failure is a regression, no data is no pass, and what was not seen is bounded exactly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.baseline import Measured
from eval.counts import Count, code
from eval.gate import gate
from eval.gate_outputs import markdown, text
from eval.gate_policy import Policy, read_policy
from eval.gate_zero import at_least, at_most, trials_needed
from eval.score import Score
from rag.errors import ConfigError
from rag.fingerprint import key

N = 60
CONFIG = {"chunk": {"use": "whole"}}
LOCK = {
    "corpus": "c",
    "questions": "q",
    "judge": {},
    "config": CONFIG,
    "models": [],
    "prompts": {},
    "package": "1",
    "latency": {},
    "metrics": {"span_recall": 1},
}


def measured(values):
    scores = {
        f"q{i:03}": Score(f"q{i:03}", "span_recall", None, v) if isinstance(v, str) else Score(f"q{i:03}", "span_recall", v) for i, v in enumerate(values)
    }
    return Measured("x", LOCK, {"span_recall": scores}, {q: q for q in scores})


def held(zero, *counts, values=(1.0,) * N, **more):
    """Return the gate of a run against itself, and the check of what must never happen."""
    run, demanded = measured(values), Policy(metrics=("span_recall",), zero=zero, **more)
    found = gate(run, run, demanded, None, counts)
    return found, found.checks[-1], found.exit_code(demanded)


def count(failures=0, trials=300, name="tenant_leaks", failed=(), **ran_on):
    return Count(name, failures, trials, "a test", ran_on or {"corpus": "c"}, failed)


@pytest.mark.parametrize(("failures", "n", "bound"), [(0, 60, 1 - 0.05 ** (1 / 60)), (0, 300, 1 - 0.05 ** (1 / 300)), (5, 5, 1.0)])
def test_exact_upper_bounds(failures, n, bound):
    """`1 - .05^(1/n)` without failures."""
    assert at_most(failures, n, 0.95) == pytest.approx(bound, abs=1e-9)


@pytest.mark.parametrize(("failures", "n"), [(0, 7), (2, 50), (9, 10), (10, 10)])
def test_exact_bounds_are_those_of_scipy(failures, n):
    from scipy.stats import binomtest

    assert at_most(failures, n, 0.95) == pytest.approx(binomtest(failures, n, alternative="less").proportion_ci(0.95).high, abs=1e-9)
    assert at_least(failures, n, 0.95) == pytest.approx(binomtest(failures, n, alternative="greater").proportion_ci(0.95).low, abs=1e-9)


def test_a_count_without_failures_passes_with_what_it_could_have_missed():
    """`1 - .05^(1/300)` is .994 %."""
    _, check, code = held(["tenant_leaks"], count())
    assert (check.kind, check.metric, check.verdict, check.current, check.n, code) == ("zero", "tenant_leaks", "pass", 0.0, 300, 0)
    assert check.why == "never happened in 300: with 95% confidence it fails in at most 0.99% of such trials, if they are independent"
    assert held(["tenant_leaks"], replace(count(), note="900 searches"))[1].why.startswith("never happened in 300 (900 searches): with")


def test_one_failure_in_very_many_is_a_regression():
    _, check, code = held(["tenant_leaks"], count(1, 1_000_000, failed=("q7 under beta",)), on_inconclusive="pass")
    assert (check.verdict, code) == ("regressed", 1)
    assert check.why == "must never happen and did in 1 of 1000000: q7 under beta"
    assert 0 < check.low < 1e-6 < check.high < 1e-5


def test_of_many_failures_three_are_named():
    assert held(["tenant_leaks"], count(9, 10, failed=tuple("abcde")))[1].why.endswith("did in 9 of 10: a, b, c and 6 more")


def test_a_share_that_must_be_excluded_needs_enough_trials():
    """Without failures 299 trials exclude 1 %: .99^299 = .0495; 298 do not."""
    assert held({"tenant_leaks": 0.01}, count(0, 299))[1].verdict == "pass"
    _, check, code = held({"tenant_leaks": 0.01}, count(0, 298))
    assert (check.verdict, check.needs_questions, code) == ("inconclusive", 1, 3)
    assert check.why.endswith("and at most 1.00% is demanded; needs about 1 more trials")
    assert held({"span_recall": 0.01})[1].needs_questions == 299 - N


@pytest.mark.parametrize("rule", ["fail", "warn", "pass"])
def test_a_name_without_its_file_never_passes(rule):
    _, check, code = held(["tenant_leaks"], on_inconclusive=rule)
    assert (check.verdict, code) == ("not_comparable", 4)
    assert check.why == "has no count: give its file with --counts (no metric is called 'tenant_leaks')"
    assert held(["span_recal"])[1].why.endswith("(no metric is called 'span_recal', did you mean 'span_recall'?)")


@pytest.mark.parametrize(
    ("what", "value"),
    [("corpus", "other"), ("questions", "other"), ("package", "0"), ("code", "0"), ("models", "0"), ("config", key({"chunk": {"use": "fixed"}}))],
)
def test_a_count_of_something_else_than_the_run_is_not_comparable(what, value):
    _, check, code = held(["tenant_leaks"], count(**{what: value}), on_inconclusive="pass")
    assert (check.verdict, code) == ("not_comparable", 4)
    assert check.why == f"was counted with another {what} than the run; count again"


def test_a_count_of_the_same_passes_whatever_its_tenants():
    same = {"corpus": "c", "questions": "q", "package": "1", "config": key(CONFIG), "models": key([]), "prompts": key({}), "code": code()}
    assert held(["tenant_leaks"], count(**same, tenants="any"))[1].verdict == "pass"
    assert held(["tenant_leaks"], count(code=code(), package="1"))[1].verdict == "pass"


@pytest.mark.parametrize("ran_on", [{"corpus ": "old"}, {"tenants": "4 dealt"}, {"package": "1"}, {"package": "1", "attacks": "x"}])
def test_a_count_that_nothing_but_a_version_ties_to_the_run_passes_nothing(ran_on):
    """A version is the same before and after a change of code."""
    _, check, exit_code = held(["tenant_leaks"], count(**ran_on), on_inconclusive="pass")
    assert (check.verdict, exit_code) == ("not_comparable", 4)
    assert check.why == "names nothing under ran_on that ties it to the run, such as its corpus; count again"


def test_below_twenty_trials_nothing_passes_and_it_is_said():
    """`1 - .05^(1/19)` is 14.59 %."""
    _, check, exit_code = held(["tenant_leaks"], count(0, 19))
    assert (check.verdict, check.needs_questions, exit_code) == ("inconclusive", 1, 3)
    assert check.why.endswith("at most 14.59% of such trials, if they are independent; rests on 19 trials, and below 20 nothing passes")
    assert held(["tenant_leaks"], count(0, 20))[1].verdict == "pass"
    assert held(["tenant_leaks"], count(1, 2))[1].verdict == "regressed"
    assert held({"tenant_leaks": 0.05}, count(0, 19))[1].needs_questions == 40
    run = replace(measured((1.0,) * N), clusters={f"q{i:03}": str(i % 19) for i in range(N)})
    few = gate(run, run, Policy(metrics=("span_recall",), zero=["span_recall"])).checks[-1]
    assert (few.verdict, few.why.rsplit("; ", 1)[1]) == ("inconclusive", "rests on 19 documents, and below 20 nothing passes")


@pytest.mark.parametrize(("failures", "share", "n"), [(0, 0.05, 59), (0, 0.01, 299), (1, 0.05, 93), (0, 1.0, 1), (0, 1e-6, 2995731)])
def test_the_fewest_trials_that_show_a_share(failures, share, n):
    """.95^59 = .0485 and .95^58 = .0510; with one failure in 93 the tables say 4.998 %; ln .05 / ln(1 - 1e-6) is 2995730.8."""
    assert trials_needed(failures, share, 0.95) == n


def test_a_count_that_nobody_named_decides_nothing_and_is_said_everywhere():
    found, _, code = held([], count(3, 10))
    line = "tenant_leaks: 3 of 10, counted by a test; the policy does not name it"
    assert (code, found.unnamed, found.as_dict()["unnamed"]) == (0, (line,), [line])
    assert f"not looked at: {line}" in text(found, Policy())
    assert f"- not looked at: {line}" in markdown(found, Policy())


def test_a_metric_that_must_be_at_its_best_cannot_pass_on_questions_without_a_value():
    missing = [*[1.0] * (N - 1), "timed_out"]
    assert held(["span_recall"], values=missing)[1].why == "has no value in 1 of 60 questions it applies to"
    assert held(["span_recall"], values=missing)[1].verdict == "inconclusive"
    assert held(["span_recall"], values=[*[1.0] * (N - 1), "not_applicable: no evidence"])[1].verdict == "pass"
    assert held(["span_recall"], values=[*[1.0] * (N - 2), 0.0, "timed_out"])[1].verdict == "regressed"
    assert held(["span_iou"], on_inconclusive="pass")[2] == 4


@pytest.mark.parametrize(
    ("zero", "message"), [("[span_recall@x]", "span_recall@x"), ("{leaks: 0}", "greater than 0"), ("{leaks: 2}", "less than or equal to 1"), ("leaks", "zero")]
)
def test_what_cannot_be_demanded_is_refused(tmp_path, zero, message):
    (tmp_path / "gate.yaml").write_text(f"zero: {zero}\n")
    with pytest.raises(ConfigError, match=message):
        read_policy(tmp_path / "gate.yaml")
