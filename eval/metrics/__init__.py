"""Metrics: one file per concept, each a frozen value that turns a question and what was produced for it into one score."""

from eval.metrics.base import Metric, MetricAt, metric, metrics, names, parse, parse_all

# What costs the default judge under 2 ms per question beside the verdicts it shares, and speaks of any run on an index. Left out:
# `rouge_l` and `chrf` (another install), `context_relevance` and `context_entity_recall` (other judges), and those that ask for a
# verdict per source on every claim of the answer (`context_utilization`, `noise_sensitivity`).
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
    "boundary_splits",
    "context_recall",
    "context_precision",
    "faithfulness",
    "citation_recall",
    "citation_precision",
    "answer_relevancy",
    "answer_correctness",
    "factual_correctness",
    "semantic_similarity",
    "token_f1",
    "abstention_accuracy",
    "abstention_precision",
    "abstention_recall",
    "context_tokens",
)

__all__ = ["DEFAULT_METRICS", "Metric", "MetricAt", "metric", "metrics", "names", "parse", "parse_all"]
