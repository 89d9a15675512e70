"""Names of metrics: one spelling, cuts where they belong, and helpful refusals."""

import pytest

from eval.metrics import DEFAULT_METRICS, MetricAt, metric, metrics, names, parse, parse_all
from eval.metrics.map import AveragePrecision
from eval.metrics.ndcg import Ndcg
from eval.metrics.recall import Recall
from rag.errors import ConfigError


def test_a_name_gives_the_metric_and_back():
    """Every spelling survives the round trip, with its cut."""
    for name in (*DEFAULT_METRICS, "latency_ms", "recall@17", "factual_correctness@0.5", "precision_by_age@5/365-", "precision_by_age@5/0-30"):
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


def test_every_file_of_a_metric_is_listed():
    """The registry finds each of them; a cut that may be left out stands in brackets."""
    assert {
        "abstention_accuracy", "abstention_precision", "abstention_recall", "answer_correctness", "answer_relevancy", "boundary_splits", "chrf",
        "citation_precision", "citation_recall", "completion_tokens", "context_entity_recall", "context_precision", "context_recall",
        "context_relevance", "context_tokens", "context_utilization", "cost", "exact_match", "factual_correctness[@beta]", "factual_precision",
        "factual_recall", "faithfulness", "hit@k", "latency_ms", "map", "mrr@k", "ndcg@k", "noise_sensitivity", "noise_sensitivity_irrelevant",
        "precision@k", "precision_by_age@k/low-high", "prompt_tokens", "recall@k", "rouge_l", "semantic_similarity", "span_iou", "span_precision",
        "span_recall", "token_f1",
    } <= set(names())  # fmt: skip


def test_every_metric_says_what_it_is():
    """Direction, range, version, need of a judge and languages are declared; what is English only says so."""
    for cls in metrics().values():
        low, high = cls.range
        assert low == 0.0
        assert high is None or high == 1.0
        assert cls.version >= 1
        assert isinstance(cls.needs_judge, bool)
        assert not cls.correctable or cls.needs_judge
    assert {use for use, cls in metrics().items() if cls.languages == ("english",)} == {"exact_match", "token_f1", "rouge_l"}


def test_only_plain_shares_of_verdicts_can_be_corrected():
    """A judge's known error can be taken out of a mean of its verdicts, not out of what mixes them with other things.

    Not citations: a sentence that cites nothing is unsupported for certain. Half the sentences cited, all of those supported,
    sensitivity and specificity .8: the raw .4 would be corrected to .33, away from the true .5.
    """
    assert {use for use, cls in metrics().items() if cls.correctable} == {"faithfulness", "context_recall", "factual_precision", "factual_recall"}


def test_a_name_cannot_be_taken_twice():
    """A second metric of the same name is an error where it is defined."""
    with pytest.raises(TypeError, match=r"'recall' is registered by eval.metrics.recall already"):

        @metric("recall")
        class Other(MetricAt):
            pass
