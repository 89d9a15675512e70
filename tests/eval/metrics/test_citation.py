"""citation_recall and citation_precision, as ALCE (Gao et al. 2023) defines them."""

import pytest

from eval.metrics import parse
from eval.questions import Question
from eval.score import Result

RECALL, PRECISION = parse("citation_recall"), parse("citation_precision")
QUESTION = Question("q", "what")
SOURCES = ("a b", "c d", "x")


def both(answer, judge, sources=SOURCES):
    """Recall and precision of an answer."""
    found = Result("q", sources=sources, answer=answer)
    return RECALL.score(QUESTION, found, judge()).value, PRECISION.score(QUESTION, found, judge()).value


@pytest.mark.parametrize(
    ("answer", "recall", "precision"),
    [
        ("a b [1].", 1, 1),  # one source, and it supports
        ("a b [2].", 0, 0),  # one source, and it does not
        ("a c [1][2].", 1, 1),  # only together: both are needed
        ("a b [1][3].", 1, 1 / 2),  # the second neither supports alone nor is needed
        ("a z [1][2].", 0, 0),  # not even together
        ("a b [1]. c d.", 1 / 2, 1),  # the second sentence cites nothing
        ("a b [1]. c d [2]. x [1].", 2 / 3, 2 / 3),
        ("a b [7].", 0, 0),  # there is no source 7
        ("a b [1][7].", 1, 1 / 2),
        ("a b [0].", 0, 0),
        ("a b [1][1].", 1, 1),  # said twice is cited once
    ],
)
def test_worked_examples(judge, answer, recall, precision):
    """`a b`, `c d` and `x` are sources 1 to 3; a sentence is supported when the cited ones together hold its words."""
    assert both(answer, judge) == (recall, pytest.approx(precision))


def test_a_source_that_supports_alone_matters_though_it_is_not_needed(judge):
    """ALCE counts a citation as irrelevant only when it cannot support by itself and can be left out."""
    assert both("a b [1][2].", judge, ("a b", "a b")) == (1, 1)


def test_an_answer_without_marks(judge):
    """It recalls nothing, for certain: the judge is not asked. There is no precision of no citations."""
    asked = judge()
    found = Result("q", sources=SOURCES, answer="Ants bite. See dogs.")
    score = RECALL.score(QUESTION, found, asked)
    assert (score.value, asked.calls) == (0.0, [])
    assert [e["label"] for e in score.evidence] == ["not_cited", "not_cited"]
    assert PRECISION.score(QUESTION, found, asked).why == "not_applicable: the answer cites nothing"


def test_evidence_names_the_sources(judge):
    """What was cited for each sentence, and which citations matter."""
    found = Result("q", sources=SOURCES, answer="a b [1][3]. x [2].")
    assert [(e["claim"], e["label"], e["cited"]) for e in RECALL.score(QUESTION, found, judge()).evidence] == [
        ("a b.", "supported", [1, 3]),
        ("x.", "not_found", [2]),
    ]
    assert [(e["cites"], e["matters"]) for e in PRECISION.score(QUESTION, found, judge()).evidence] == [(1, True), (3, False), (2, False)]


@pytest.mark.parametrize("metric", [RECALL, PRECISION])
def test_reasons(judge, metric):
    """Abstained, nothing said, failed judge (`?` inside a sentence)."""
    assert metric.score(QUESTION, Result("q", sources=SOURCES, abstained="unsure"), judge()).why == "abstained"
    assert metric.score(QUESTION, Result("q", sources=SOURCES, answer="[1]"), judge()).why == "judge_failed(no_claims): the answer makes no statement"
    assert metric.score(QUESTION, Result("q", sources=SOURCES, answer="a ? b [1]."), judge()).why == "judge_failed(malformed): answered in prose"
