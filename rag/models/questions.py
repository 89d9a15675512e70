"""The encoder of questions: the model of the passages in float32, for the first few without torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.models.bert import Bert
from rag.models.bert_numpy import vector
from rag.models.device import device
from rag.models.inputs import inputs
from rag.models.tokenizer import Tokenizer
from rag.models.unit import unit

if TYPE_CHECKING:
    from rag.models.bert_torch import TorchBert

FEW = 16  # questions in a process: more are worth the import of torch, which takes about as long as two hundred of them
SHORT = 64  # tokens: what is longer, torch computes faster from the first on


class QuestionEncoder:
    """One BERT encoder in float32, whatever passages are computed in: so a question has one vector, by numpy or by torch, within 1e-5.

    torch is used from the first text that is long, after a few short ones, and wherever it is imported already.
    """

    def __init__(self, bert: Bert, tokenizer: Tokenizer, identity: dict[str, Any]) -> None:
        """Take what the encoder of the passages has opened, and its identity."""
        self.name, self.max_tokens = str(identity["name"]), int(identity["max_tokens"])
        self.identity = identity | {"precision": "float32"}
        self._bert, self._tokenizer, self._done = bert, tokenizer, 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit row per text. Raises `ModelError` when the model gives something that is not a vector."""
        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        rows = [ids for ids, _ in inputs(self._tokenizer, texts, self.max_tokens)]
        light = "torch" not in sys.modules and self._done + len(rows) <= FEW and max(map(len, rows)) <= SHORT
        self._done += len(rows)
        return unit(np.array([vector(self._bert, r) for r in rows]) if light else self._torch.vectors(rows), len(texts), self.name)

    @cached_property
    def _torch(self) -> TorchBert:
        from rag.models.bert_torch import opened

        return opened(self._bert, "float32", device(), self.name)
