"""context_entity_recall: the share of the reference's entities that the context names."""

import pytest

from eval.judges.base import Judge
from eval.metrics import parse
from eval.questions import Question
from eval.score import Result

METRIC = parse("context_entity_recall")
QUESTION = Question("q", "who", answers=("Ada met Bo and Cy", "Zoe"))


def test_worked_example(judge):
    """`Ada` and `Cy` of Ada, Bo, Cy are in the sources, in one each; Dan is one too many and takes nothing away."""
    score = METRIC.score(QUESTION, Result("q", sources=("Ada and Dan", "so Cy")), judge())
    assert score.value == pytest.approx(2 / 3)
    assert [(e["entity"], e["found"]) for e in score.evidence] == [("ada", True), ("bo", False), ("cy", True)]


def test_case_and_white_space_do_not_count(judge):
    """PARIS is Paris, where ragas takes them for two; twice named is one entity."""
    asked = Question("q", "where", answers=("Paris PARIS",))
    assert METRIC.score(asked, Result("q", sources=("PaRiS",)), judge()).value == 1.0


def test_no_source_is_zero_and_no_entity_not_applicable(judge):
    """ragas gives 0 to both."""
    assert METRIC.score(QUESTION, Result("q"), judge()).value == 0.0
    assert METRIC.score(Question("q", "?", answers=("nobody",)), Result("q"), judge()).why == "not_applicable: the reference answer names no entity"
    assert METRIC.score(Question("q", "?"), Result("q"), judge()).why == "not_applicable: there is no reference answer"


def test_a_judge_that_names_none_or_fails_withholds_it(judge):
    """A judge that cannot is said to be so, by name; a failure is a failure."""

    class Plain(judge):
        entities = Judge.entities

    found = Result("q", sources=("Ada",))
    assert METRIC.score(QUESTION, found, Plain()).why == "not_applicable: the judge words names no entities"
    assert METRIC.score(QUESTION, Result("q", sources=("?",)), judge()).why == "judge_failed(malformed): answered in prose"
