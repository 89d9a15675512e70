"""abstention_accuracy, abstention_precision and abstention_recall: declining scored apart from answering."""

import pytest

from eval.metrics import parse
from eval.questions import Question
from eval.score import Result


@pytest.mark.parametrize(
    ("answerable", "abstained", "accuracy", "precision", "recall"),
    [
        (True, "", 1.0, None, None),
        (True, "weak support", 0.0, 0.0, None),
        (False, "", 0.0, None, 0.0),
        (False, "weak support", 1.0, 1.0, 1.0),
    ],
)
def test_each_case(answerable, abstained, accuracy, precision, recall):
    """Precision is over the questions declined, recall over those that cannot be answered, accuracy over all."""
    question, result = Question("q", "?", answerable=answerable), Result("q", abstained=abstained)
    assert [parse(f"abstention_{n}").score(question, result, None).value for n in ("accuracy", "precision", "recall")] == [accuracy, precision, recall]


def test_reasons():
    """What the other two say nothing about."""
    assert parse("abstention_precision").score(Question("q", "?"), Result("q"), None).why == "not_applicable: the question was answered"
    assert parse("abstention_recall").score(Question("q", "?"), Result("q"), None).why == "not_applicable: the question is answerable"
