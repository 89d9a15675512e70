"""Span metrics over characters: worked examples and edge cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import parse
from eval.questions import Question
from eval.score import Result
from rag.types import Span

QUESTION = Question("q", "?", evidence=(Span("x", 10, 20), Span("y", 0, 10)))
spans = st.lists(st.builds(lambda d, a, n: Span(d, a, a + n), st.sampled_from("xy"), st.integers(0, 30), st.integers(1, 8)), min_size=1, max_size=6)


def values(context, question=QUESTION):
    """Recall, precision and IoU of a context."""
    found = Result("q", context=tuple(context))
    return [parse(f"span_{name}").score(question, found, None).value for name in ("recall", "precision", "iou")]


def test_worked_example():
    """20 characters wanted; 40 shown, [0, 30) of x and [5, 15) of y; 10 + 5 = 15 in both."""
    assert values([Span("x", 0, 30), Span("y", 5, 15)]) == [15 / 20, 15 / 40, 15 / 45]


def test_what_chunks_share_is_counted_once():
    """Two overlapping chunks are one stretch [0, 30): not 40 characters, as the count per chunk would be."""
    assert values([Span("x", 0, 20), Span("x", 10, 30)]) == values([Span("x", 0, 30)]) == [10 / 20, 10 / 30, 10 / 40]


def test_an_empty_context_has_recall_zero_and_no_precision():
    """Precision of nothing is not a number."""
    assert values([]) == [0.0, None, 0.0]
    assert parse("span_precision").score(QUESTION, Result("q"), None).why == "not_applicable: the context is empty"


@pytest.mark.parametrize("name", ["span_recall", "span_precision", "span_iou"])
def test_without_evidence_there_is_no_value(name):
    """Neither for unanswerable questions."""
    shown = Result("q", context=(Span("x", 0, 5),))
    assert parse(name).score(Question("q", "?"), shown, None).why == "not_applicable: no evidence is named"
    assert parse(name).score(Question("q", "?", answerable=False), shown, None).why == "not_applicable: the question is unanswerable"


@given(spans, spans)
def test_laws(evidence, context):
    """All within 0 and 1; IoU at most recall and precision; 1 for the evidence itself."""
    recall, precision, iou = values(context, Question("q", "?", evidence=tuple(evidence)))
    assert 0 <= iou <= min(recall, precision) <= max(recall, precision) <= 1
    assert values(evidence, Question("q", "?", evidence=tuple(evidence))) == [1, 1, 1]
