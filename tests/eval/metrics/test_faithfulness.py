"""faithfulness: supported claims over claims made; nothing that failed becomes a number."""

import pytest

from eval.judges.base import Why
from eval.metrics import parse
from eval.questions import Question
from eval.score import Result

METRIC = parse("faithfulness")


def test_share_of_supported_claims(question, result, judge):
    """`a` and `b` of `a b y z` are in the sources: 2/4, with the verdicts as evidence."""
    score = METRIC.score(question, result, judge())
    assert (score.value, score.why) == (2 / 4, "")
    assert [(e["claim"], e["label"]) for e in score.evidence] == [("a", "supported"), ("b", "supported"), ("y", "not_found"), ("z", "not_found")]
    assert score.evidence[1]["evidence"] == [[1, 0, 1]]


def test_no_context_supports_nothing(question, judge):
    """An answer without a source is not faithful; that is said without asking, and with the reason."""
    asked = judge()
    score = METRIC.score(question, Result("q", answer="a b"), asked)
    assert (score.value, score.evidence, asked.calls) == (0.0, ("no source was shown",), [])


def test_an_answer_without_a_claim_is_not_applicable(judge):
    """Nothing is said, so nothing is supported; ragas gives NaN."""

    class Wordless(judge):
        def claims(self, text, question=""):
            return ()

    score = METRIC.score(Question("q", "?"), Result("q", sources=("a",), answer="Well"), Wordless())
    assert (score.value, score.why) == (None, "judge_failed(no_claims): the answer makes no claim")


def test_declining_what_cannot_be_answered_is_not_applicable(judge):
    """It was right to decline: no coverage is lost by it."""
    declined = Result("q", sources=("a",), answer="I do not know", abstained="weak support")
    assert METRIC.score(Question("q", "?", answerable=False), declined, judge()).why == "not_applicable: declined, and the question is unanswerable"


@pytest.mark.parametrize(
    ("answer", "abstained", "why"),
    [
        ("", "weak support", "abstained"),
        ("I do not know", "weak support", "abstained"),
        ("", "", "abstained: the answer is empty"),
        ("a ? b", "", "judge_failed(malformed): answered in prose"),
        ("?!", "", "judge_failed(malformed): answered in prose"),
    ],
)
def test_reasons(question, judge, answer, abstained, why):
    """An abstention, an empty answer and a judge's failure each have their reason."""
    score = METRIC.score(question, Result("q", sources=("a",), answer=answer, abstained=abstained), judge())
    assert (score.value, score.why) == (None, why)


def test_an_abstention_without_a_source_is_an_abstention(question, judge):
    """It says nothing that could lack a source."""
    assert METRIC.score(question, Result("q", answer="I do not know", abstained="nothing was retrieved"), judge()).why == "abstained"


def test_a_time_out_is_its_own_reason(question, judge):
    """A judge that says `timed_out` is reported so."""
    score = METRIC.score(question, Result("q", sources=("a",), answer="?"), judge(failure=Why.TIMED_OUT))
    assert (score.value, score.why) == (None, "timed_out: answered in prose")


def test_missing_verdicts_withhold_the_score(question, result, judge):
    """ragas divides by the verdicts that came back (one of three gives 1.0); here the score is withheld."""
    score = METRIC.score(question, result, judge(dropped=2))
    assert (score.value, score.why) == (None, "judge_failed(count_mismatch): 2 verdicts for 4 claims")


def test_without_a_judge_there_is_no_value(question, result):
    """A judged metric never guesses."""
    assert METRIC.score(question, result, None).why == "judge_failed(error): no judge was given"
