"""The adapter to cross-encoders: sequence classifiers of transformers, as sentence-transformers saves them too."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.errors import ModelError
from rag.models.classifier import PairClassifier, Row
from rag.models.pairs import Pair, Scored

RELEVANT = ("relevant", "entailment", "positive", "yes", "true", "1", "label_1")  # names of the label that means yes, the surest first


class CrossEncoderScorer(PairClassifier):
    """A classifier of (query, passage) pairs; prompts saved with it are not applied.

    The raw score is the logit of a model with one label, else the log-odds of the label that means relevant.
    """

    def __init__(self, name: str, precision: str = "auto", max_tokens: int | None = None) -> None:
        """Find the model's files and read its settings. Raises `ModelError` when they cannot be had or are of another kind."""
        super().__init__(name, precision, max_tokens)
        self._label = _label(self.directory, self.config)
        self.identity: dict[str, Any] = {
            "name": name,
            "digest": self.digest,
            "max_tokens": self.max_tokens,
            "precision": self.precision,
            "label": self._label,
        }

    def score(self, pairs: Sequence[Pair], batch_tokens: int) -> list[Scored]:
        """Return the raw score of each pair and its tokens before truncation. Raises `ModelError` when the model cannot be used."""
        rows, tokens = self._cut(pairs)
        return [Scored(_log_odds(row, self._label), n) for row, n in zip(self.logits(rows, batch_tokens), tokens, strict=True)]

    def _cut(self, pairs: Sequence[Pair]) -> tuple[list[Row], list[int]]:
        """Return the model's input of each pair, cut to `max_tokens`, and how many tokens it was before."""
        rows = self.rows(pairs)
        tokens = [len(row["input_ids"]) for row in rows]
        over = [i for i, n in enumerate(tokens) if n > self.max_tokens]
        for i, row in zip(over, self.rows([pairs[i] for i in over], self.max_tokens), strict=True):
            rows[i] = row
        return rows, tokens


def _label(directory: Path, config: Mapping[str, object]) -> int:
    """Return the place of the label that means relevant. Raises `ModelError` for what is none."""
    named = config.get("id2label")
    names = [str(n).casefold() for n in named.values()] if isinstance(named, dict) and named else ["label_0", "label_1"]  # two is what leaving it out means
    if len(names) == 1:
        return 0
    known = [names.index(n) for n in RELEVANT if n in names and (n != "label_1" or len(names) == 2)]
    if not known:
        raise ModelError(f"{directory}: none of the labels {', '.join(names)} is known to mean relevant; name one 'relevant' under id2label in config.json")
    return known[0]


def _log_odds(logits: Sequence[float], label: int) -> float:
    """Return the logit of a single label, or of one of several against all others: what the sigmoid makes its softmax of."""
    others = [x for i, x in enumerate(logits) if i != label]
    if not others:
        return logits[label]
    top = max(others)
    return logits[label] - top - math.log(sum(math.exp(x - top) for x in others)) if math.isfinite(top) else top
