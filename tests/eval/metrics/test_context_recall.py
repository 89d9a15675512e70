"""context_recall: the share of the first reference answer that the context supports."""

from eval.metrics import parse
from eval.questions import Question
from eval.score import Result

METRIC = parse("context_recall")


def test_share_of_reference_claims(question, result, judge):
    """`a` and `b` of the reference `a b c` are in the sources; the second reference plays no part."""
    assert METRIC.score(question, result, judge()).value == 2 / 3


def test_an_empty_context_recalls_nothing(question, judge):
    """0 by definition, without asking the judge (it would fail on `?`)."""
    asked = judge()
    score = METRIC.score(question, Result("q"), asked)
    assert (score.value, score.evidence, asked.calls) == (0.0, ("no source was shown",), [])
    assert METRIC.score(Question("q", "?", answers=("?",)), Result("q"), judge()).value == 0.0


def test_an_abstention_does_not_change_it(question, judge):
    """It is about retrieval: what was shown counts, whether or not it was answered."""
    assert METRIC.score(question, Result("q", sources=("a b c",), abstained="unsure"), judge()).value == 1.0


def test_without_a_reference_it_is_not_applicable(result, judge):
    """Neither for unanswerable questions."""
    assert METRIC.score(Question("q", "?"), result, judge()).why == "not_applicable: there is no reference answer"
    assert METRIC.score(Question("q", "?", answerable=False), result, judge()).why == "not_applicable: the question is unanswerable"
    assert METRIC.score(Question("q", "?", answers=(" ",)), result, judge()).why == "not_applicable: the reference answer makes no claim"


def test_a_failed_judge_withholds_it(result, judge):
    """One missing verdict is enough."""
    assert METRIC.score(Question("q", "?", answers=("a ?",)), result, judge()).why == "judge_failed(malformed): answered in prose"
