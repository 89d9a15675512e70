"""noise_sensitivity: wrong claims that the context led to, by relevant and by irrelevant sources."""

import pytest

from eval.metrics import parse
from eval.questions import Question
from eval.score import Result

RELEVANT, IRRELEVANT = parse("noise_sensitivity"), parse("noise_sensitivity_irrelevant")
# The reference is `a b c`, so the first and third source are relevant and the second is not.
SOURCES = ("a x", "x y", "c")


def test_worked_example(question, judge):
    """`a` is right. `x` is wrong and in a relevant source (and in an irrelevant one), `y` only in an irrelevant one, `z` in none."""
    found = Result("q", sources=SOURCES, answer="a x y z")
    assert RELEVANT.score(question, found, judge()).value == 1 / 4
    assert IRRELEVANT.score(question, found, judge()).value == 1 / 4
    evidence = RELEVANT.score(question, found, judge()).evidence
    assert [(e["claim"], e["right"], e["in_relevant"], e["in_irrelevant"], e["misled"]) for e in evidence] == [
        ("a", True, True, False, False),
        ("x", False, True, True, True),
        ("y", False, False, True, False),
        ("z", False, False, False, False),
    ]


@pytest.mark.parametrize(("answer", "values"), [("a c", (0.0, 0.0)), ("x", (1.0, 0.0)), ("y", (0.0, 1.0)), ("z", (0.0, 0.0))])
def test_only_wrong_claims_from_the_context_count(question, judge, answer, values):
    """A right claim is no noise, and what comes from nowhere is for `faithfulness`."""
    found = Result("q", sources=SOURCES, answer=answer)
    assert (RELEVANT.score(question, found, judge()).value, IRRELEVANT.score(question, found, judge()).value) == values


@pytest.mark.parametrize("metric", [RELEVANT, IRRELEVANT])
def test_lower_is_better_and_reasons(question, judge, metric):
    """Without a source nothing could mislead; an answer or a reference that is not there has no value."""
    assert not metric.higher_is_better
    assert metric.score(question, Result("q", answer="a"), judge()).why == "not_applicable: no source was shown"
    assert metric.score(question, Result("q", sources=("a",), abstained="unsure"), judge()).why == "abstained"
    assert metric.score(Question("q", "?"), Result("q", sources=("a",), answer="a"), judge()).why == "not_applicable: there is no reference answer"
    assert metric.score(question, Result("q", sources=("a",), answer="a ?"), judge()).why == "judge_failed(malformed): answered in prose"
