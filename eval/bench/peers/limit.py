"""What the processor could do at most with the same texts, computed from the operations of the encoder and the measured rate of matrix products."""

from __future__ import annotations

from typing import Any

from eval.bench.machine import encoder_operations, gemm
from rag.models.encoder import native_precision
from rag.models.files import BUNDLED
from rag.models.tokenizer import Tokenizer

READ = 256  # tokens of a text that the model reads


def tokens(texts: list[str]) -> list[int]:
    """Return how many tokens of each text the model reads, special ones included."""
    return [min(n, READ) for n in Tokenizer(BUNDLED).counts(texts, special=True)]


def limited(body: dict[str, Any], lengths: list[int]) -> dict[str, Any]:
    """Return the figures with tokens a second and the share of the limit in every row; the limit is that of the format this processor multiplies natively."""
    precision = native_precision()
    rate = gemm(precision)
    least = encoder_operations(lengths) / (rate * 1e9)
    for row in body["rows"]:
        row["tokens_per_second"] = round(sum(lengths) / row["value"]["median"])
        row["share_of_limit"] = round(least / row["value"]["median"], 3)
    return {**body, "limit": {"precision": precision, "gigaflops": rate, "seconds": round(least, 3)}}
