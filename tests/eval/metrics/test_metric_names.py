"""Names of metrics: one spelling, cuts where they belong, and helpful refusals."""

import pytest

from eval.metrics import DEFAULT_METRICS, MetricAt, metric, metrics, names, parse, parse_all
from eval.metrics.map import AveragePrecision
from eval.metrics.ndcg import Ndcg
from eval.metrics.recall import Recall
from rag.errors import ConfigError


def test_a_name_gives_the_metric_and_back():
    """Every spelling survives the round trip, with its cut."""
    for name in (*DEFAULT_METRICS, "latency_ms", "recall@17"):
        assert parse(name).name == name
    assert parse("ndcg@10") == Ndcg(10)
    assert parse("map") == AveragePrecision()


def test_equal_parameters_are_equal_metrics():
    """Metrics are values: repeated names are one metric, another cut is another."""
    assert parse_all(["recall@5", "recall@5", "recall@10"]) == (Recall(5), Recall(10))


def test_an_unknown_name_lists_the_choices():
    """The near miss and every choice are in the message."""
    with pytest.raises(ConfigError) as caught:
        parse("ndgc@10")
    assert "no metric is called 'ndgc@10', did you mean 'ndcg'?" in str(caught.value)
    assert all(name in str(caught.value) for name in names())
    assert "recall@k" in names()
    assert "map" in names()


@pytest.mark.parametrize("name", ["recall", "recall@", "recall@0", "recall@-1", "recall@x", "recall@5@5", "recall@1.5"])
def test_a_cut_must_be_a_whole_number(name):
    """`recall` alone does not say how deep."""
    with pytest.raises(ConfigError, match="write recall@10"):
        parse(name)


@pytest.mark.parametrize("name", ["map@5", "span_recall@", "faithfulness@3"])
def test_a_cut_where_none_belongs_is_refused(name):
    """Metrics of the whole list or context take none."""
    with pytest.raises(ConfigError, match="takes no cut"):
        parse(name)


def test_every_metric_says_what_it_needs():
    """Direction, range, version and need of a judge are declared; exactly the judged five need one."""
    for cls in metrics().values():
        low, high = cls.range
        assert low == 0.0
        assert high is None or high == 1.0
        assert cls.version >= 1
    assert {use for use, cls in metrics().items() if cls.needs_judge} == {
        "faithfulness", "context_recall", "context_precision", "answer_relevancy", "answer_correctness",
    }  # fmt: skip
    assert {use for use, cls in metrics().items() if not cls.higher_is_better} == {"context_tokens", "latency_ms"}


def test_a_name_cannot_be_taken_twice():
    """A second metric of the same name is an error where it is defined."""
    with pytest.raises(TypeError, match=r"'recall' is registered by eval.metrics.recall already"):

        @metric("recall")
        class Other(MetricAt):
            pass
