"""Metrics: one file per concept, each a frozen value that turns a question and what was produced for it into one score."""

from eval.metrics.base import Metric, MetricAt, metric, metrics, names, parse, parse_all

DEFAULT_METRICS = (
    "recall@5",
    "precision@5",
    "hit@5",
    "mrr@10",
    "ndcg@10",
    "map",
    "span_recall",
    "span_precision",
    "span_iou",
    "context_recall",
    "context_precision",
    "faithfulness",
    "answer_relevancy",
    "answer_correctness",
    "abstention_accuracy",
    "context_tokens",
)

__all__ = ["DEFAULT_METRICS", "Metric", "MetricAt", "metric", "metrics", "names", "parse", "parse_all"]
