"""chrf: the character sequences that answer and reference share (chrF2, Popovic 2015, by the library `sacrebleu`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from eval.metrics.base import metric
from eval.metrics.overlap import Overlap
from rag.errors import MissingExtra

if TYPE_CHECKING:
    from sacrebleu.metrics.chrf import CHRF


@lru_cache(maxsize=1)
def _scorer() -> CHRF:
    try:
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        raise MissingExtra("sacrebleu", "text", "the metric chrf") from None
    return CHRF()


@metric("chrf")
@dataclass(frozen=True)
class Chrf(Overlap):
    """sacrebleu's chrF2 (sequences of 1 to 6 characters, recall weighed twice) over 100, against the best reference answer; any language."""

    def check(self) -> None:
        """Raise `MissingExtra` when the library is not installed."""
        _scorer()

    def best(self, answer: str, references: Sequence[str]) -> float:
        """Return the value against the best reference answer, which the library finds itself."""
        return min(1.0, float(_scorer().sentence_score(answer, list(references)).score) / 100)

    def of(self, answer: str, reference: str) -> float:
        """Return the value against one reference answer."""
        return self.best(answer, [reference])
