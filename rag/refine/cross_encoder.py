"""Reranking by a cross-encoder: a model that reads question and passage together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from rag.index.reader import Reader
from rag.refine._calibration import probability
from rag.refine._hits import found, rescored
from rag.registry import register
from rag.stages import Refiner, bounded, incidental, model
from rag.types import Found, Hit, Query


@register("cross_encoder")
@dataclass(frozen=True)
class CrossEncoder(Refiner):
    """Order the first `candidates` hits by what a cross-encoder says of question and passage; hits beyond them are dropped.

    `model` is a directory or a hub id of a sequence classifier (sentence-transformers CrossEncoder or plain transformers, weights
    in safetensors, no code of its own); `overlap` is a stand-in without weights, for tests. The score is the model's logit (`raw`),
    its sigmoid, or `platt`: `1 / (1 + exp(-(a logit + b)))`, with `a` and `b` fitted to judged scores; the order is the same.
    `precision`: `auto` is bfloat16 where the processor has it, else float32; `int8` is faster and coarser. Pairs are cut to
    `max_tokens`, else to what the model reads. `batch_tokens` bounds one batch; raise it on a GPU.
    """

    limit: int = bounded(20, ge=1)
    candidates: int = bounded(50, ge=1)
    model: str = model("pairs", "cross-encoder/ms-marco-MiniLM-L6-v2")
    precision: Literal["auto", "float32", "bfloat16", "int8"] = "auto"
    max_tokens: int | None = bounded(None, ge=8)
    calibration: Literal["raw", "sigmoid", "platt"] = "sigmoid"
    a: float = bounded(1.0, gt=0)
    b: float = 0.0
    batch_tokens: int = incidental(1024, ge=1)

    def __post_init__(self) -> None:
        """Check the bounds, and that a calibration is used where it is given; raises `ValueError`."""
        super().__post_init__()
        if self.calibration != "platt" and (self.a, self.b) != (1.0, 0.0):
            raise ValueError("a and b belong to calibration: platt")

    def refine(self, hits: tuple[Hit, ...], query: Query, reader: Reader) -> Found:
        """Return the best `limit` by (-score, id); the step says how many pairs were read, their tokens, and how many were cut."""
        start = time.perf_counter()
        asked = hits[: self.candidates]
        if not asked:
            return found(self.use, start, len(hits), [], scored=0, tokens=0, truncated=0)
        scorer = reader.runtime.pair_scorer(self.model, self.precision, self.max_tokens)
        pairs = reader.runtime.score_pairs(scorer, query.text, [h.chunk.index_text for h in asked], self.batch_tokens)
        order = sorted(zip(asked, pairs, strict=True), key=lambda p: (-p[1].score, p[0].chunk.id))  # by raw scores: a sigmoid is flat far out
        best = [rescored(hit, self._calibrated(pair.score), self.use) for hit, pair in order[: self.limit]]
        facts = {
            "scored": len(pairs),
            "tokens": sum(min(p.tokens, scorer.max_tokens) for p in pairs),
            "truncated": sum(p.tokens > scorer.max_tokens for p in pairs),
        }
        return found(self.use, start, len(hits), best, **facts)

    def _calibrated(self, score: float) -> float:
        return score if self.calibration == "raw" else probability(score, self.a, self.b)
