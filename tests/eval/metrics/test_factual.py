"""factual_precision, factual_recall and F-beta: answer and reference claim by claim, over the right populations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import parse
from eval.metrics.factual import f_beta
from eval.questions import Question
from eval.score import Result
from rag.errors import ConfigError

PRECISION, RECALL, F1 = parse("factual_precision"), parse("factual_recall"), parse("factual_correctness")
share = st.integers(0, 20).map(lambda n: n / 20)


def test_worked_example(question, result, judge):
    """Answer `a b y z`, reference `a b c`: precision 2/4, recall 2/3, F1 = 4/7; F0.5 and F2 by their formula."""
    assert PRECISION.score(question, result, judge()).value == 2 / 4
    assert RECALL.score(question, result, judge()).value == 2 / 3
    assert F1.score(question, result, judge()).value == pytest.approx(4 / 7)
    assert parse("factual_correctness@0.5").score(question, result, judge()).value == pytest.approx(1.25 * (1 / 3) / (0.125 + 2 / 3))
    assert parse("factual_correctness@2").score(question, result, judge()).value == pytest.approx(5 * (1 / 3) / (2 + 2 / 3))


def test_recall_is_over_the_claims_of_the_reference(judge):
    """Five good claims, one of the two of the reference among them: recall 1/2. ragas 0.4.3 says 5/6 (its issue 1964)."""
    asked = Question("q", "what", answers=("a m",))

    class Kind(judge):
        def _verdict(self, text, contexts):
            return super()._verdict(text, [*contexts, "b c d e"] if contexts == ["a m"] else contexts)

    found = Result("q", answer="a b c d e")
    assert PRECISION.score(asked, found, Kind()).value == 1.0
    assert RECALL.score(asked, found, Kind()).value == 1 / 2


def test_an_answer_without_a_claim(question, judge):
    """It has no precision; it covers nothing, so recall and F are 0 (ragas gives 0 to all three)."""

    class Mute(judge):
        def claims(self, text, question=""):
            return () if text == "Well" else super().claims(text, question)

    found = Result("q", answer="Well")
    assert PRECISION.score(question, found, Mute()).why == "judge_failed(no_claims): the answer makes no claim"
    assert RECALL.score(question, found, Mute()).value == 0.0
    assert F1.score(question, found, Mute()).value == 0.0


@pytest.mark.parametrize("metric", [PRECISION, RECALL, F1])
def test_reasons(question, result, judge, metric):
    """Abstained, no reference, failed judge."""
    assert metric.score(question, Result("q", abstained="unsure"), judge()).why == "abstained"
    assert metric.score(Question("q", "?"), result, judge()).why == "not_applicable: there is no reference answer"
    assert metric.score(Question("q", "?", answers=("a ?!",)), Result("q", answer="? ?!"), judge()).why == "judge_failed(malformed): answered in prose"


@pytest.mark.parametrize(("name", "spelled"), [("@1", ""), ("@1.0", ""), ("@0.50", "@0.5"), ("@2", "@2"), ("", "")])
def test_beta_has_one_spelling(name, spelled):
    """F1 is written without @; equal betas are one metric."""
    assert parse(f"factual_correctness{name}").name == f"factual_correctness{spelled}"


@pytest.mark.parametrize("cut", ["0", "-1", "x", "1e3", "0.0", "1/2", "nan", "inf"])
def test_beta_must_be_a_number_above_0(cut):
    """Whatever else stands after @ is refused, with an example."""
    with pytest.raises(ConfigError, match=r"needs a number above 0 after @; write factual_correctness@0\.5"):
        parse(f"factual_correctness@{cut}")


@given(share, share, st.integers(1, 100).map(lambda n: n / 10))
def test_f_beta_laws(precision, recall, beta):
    """It lies between the two, is 0 when either is, and equals them when they are equal; 1/beta swaps their roles."""
    value = f_beta(precision, recall, beta)
    if precision and recall:
        assert min(precision, recall) - 1e-9 <= value <= max(precision, recall) + 1e-9
    else:
        assert value == 0
    assert f_beta(precision, precision, beta) == pytest.approx(precision)
    assert value == pytest.approx(f_beta(recall, precision, 1 / beta))
