"""boundary_splits: the share of evidence spans that no chunk holds whole."""

import pytest

from eval.metrics import parse
from eval.questions import Question
from eval.score import Result
from rag.types import Span

METRIC = parse("boundary_splits")
QUESTION = Question("q", "?", evidence=(Span("x", 0, 5), Span("x", 7, 9), Span("y", 0, 3)))


@pytest.mark.parametrize(("held", "value"), [((True, True, True), 0), ((True, False, True), 1 / 3), ((False, False, False), 1)])
def test_share_of_spans_that_were_split(held, value):
    """Lower is better."""
    assert METRIC.score(QUESTION, Result("q", held=held), None).value == value
    assert not METRIC.higher_is_better


def test_reasons():
    """Without an index, without evidence, or with nothing to find, there is nothing to split."""
    assert METRIC.score(QUESTION, Result("q"), None).why == "not_applicable: there is no index to look into"
    assert METRIC.score(Question("q", "?"), Result("q", held=()), None).why == "not_applicable: no evidence is named"
    assert METRIC.score(Question("q", "?", answerable=False), Result("q", held=()), None).why == "not_applicable: the question is unanswerable"
