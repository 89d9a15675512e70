"""rouge_l: the longest common subsequence of words of answer and reference (Lin 2004, by the library `rouge-score`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from eval.metrics.base import metric
from eval.metrics.overlap import Overlap
from rag.errors import MissingExtra


@lru_cache(maxsize=1)
def _scorer() -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise MissingExtra("rouge-score", "text", "the metric rouge_l") from None
    return RougeScorer(["rougeL"], use_stemmer=True)


@metric("rouge_l")
@dataclass(frozen=True)
class RougeL(Overlap):
    """F-measure over stemmed words, against the best reference answer; letters other than a to z are no words to it."""

    languages: ClassVar[tuple[str, ...] | None] = ("english",)

    def check(self) -> None:
        """Raise `MissingExtra` when the library is not installed."""
        _scorer()

    def of(self, answer: str, reference: str) -> float:
        """Return the F-measure."""
        return float(_scorer().score(reference, answer)["rougeL"].fmeasure)
