"""context_tokens and latency_ms: metrics that read one field."""

from eval.metrics import parse
from eval.questions import Question
from eval.score import Result


def test_context_tokens_are_taken_as_counted():
    """The packer's count, as a number."""
    assert parse("context_tokens").score(Question("q", "?"), Result("q", context_tokens=123), None).value == 123.0


def test_latency_is_scored_only_where_it_was_measured():
    """A question outside the timed sample has no value, not 0."""
    metric = parse("latency_ms")
    assert metric.score(Question("q", "?"), Result("q", latency_ms=2.5), None).value == 2.5
    assert metric.score(Question("q", "?"), Result("q"), None).why == "not_applicable: the question was not timed"
