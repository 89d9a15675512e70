"""The port for text embedding, and its adapter to sentence-transformers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError, RagError
from rag.models.bert import Bert, read_bert
from rag.models.device import device
from rag.models.files import digest, locate, read_json
from rag.models.inputs import inputs
from rag.models.questions import QuestionEncoder
from rag.models.tokenizer import Tokenizer
from rag.models.unit import unit

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from rag.models.bert_torch import TorchBert

Vectors = NDArray[np.float32]


class Embeds(Protocol):
    """Texts to unit vectors. `identity` names everything that can change a vector."""

    identity: dict[str, Any]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one L2-normalised float32 row per text, shape `(len(texts), dimension)`."""


class Encoder(Embeds, Protocol):
    """A model that embeds texts and tells about their tokens; `max_tokens` is the input limit."""

    name: str
    max_tokens: int

    def for_questions(self) -> Embeds:
        """Return what embeds questions, in the same space: often the encoder itself."""

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return how many input tokens each text makes, special tokens included, before truncation."""

    def token_vectors(self, texts: Sequence[str]) -> list[Vectors]:
        """Return for each text one L2-normalised float32 row per token that is read and is not special, in order."""


@lru_cache(maxsize=1)
def native_precision() -> str:
    """Return the number format to compute in: `bfloat16` where the processor multiplies it natively, else `float32`.

    It halves the time; vectors differ from float32 ones by a cosine of .99995 (measured on SciFact, where nDCG@10 is
    .6445 against .6451), so both may meet in one index; content keys tell them apart.
    """
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "float32"
    return "bfloat16" if re.search(r"\bavx512_bf16\b|\bamx_bf16\b", flags) else "float32"


class SentenceTransformerEncoder:
    """A model in the form of sentence-transformers, loaded when the first text has to be encoded and not before.

    One of the BERT family is computed by `TorchBert`, without padding and without importing transformers; any other by
    sentence-transformers itself.
    """

    batch_size = 32  # of sentence-transformers

    def __init__(self, name: str, precision: str = "auto") -> None:
        """Find the model's files. Raises `ModelError` when they cannot be had."""
        self.name, self.precision = name, native_precision() if precision == "auto" else precision
        self._directory = locate(name)
        self._tokenizer = Tokenizer(name)
        self._model: SentenceTransformer | None = None
        self.max_tokens = input_limit(self._directory)
        self.identity = {"name": name, "digest": digest(self._directory), "max_tokens": self.max_tokens, "normalized": True, "precision": self.precision}

    def for_questions(self) -> Embeds:
        """Return the encoder of questions: of the same model, in float32, and without torch for the first; this one for a model of another family."""
        return self._questions or self

    @cached_property
    def _questions(self) -> QuestionEncoder | None:
        return QuestionEncoder(self._bert, self._tokenizer, self.identity) if self._bert is not None else None

    @cached_property
    def _bert(self) -> Bert | None:
        return read_bert(self._directory, self.max_tokens)

    @cached_property
    def _packed(self) -> TorchBert | None:
        if self._bert is None:
            return None
        from rag.models.bert_torch import opened

        return opened(self._bert, self.precision, device(), self.name)

    def _load(self) -> SentenceTransformer:
        if self._model is None:
            try:
                import torch
                from sentence_transformers import SentenceTransformer
                from transformers.utils import logging as transformers_logging

                transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it untyped

                settings = {"dtype": getattr(torch, self.precision)}
                self._model = SentenceTransformer(str(self._directory), device=device(), model_kwargs=settings, trust_remote_code=False)
            except RagError:
                raise
            except Exception as error:  # what damaged files make the libraries raise has no common class
                why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                raise ModelError(f"model {self.name!r} at {self._directory} cannot be loaded ({why}); check its files or download it again") from None
            self._model.max_seq_length = self.max_tokens
        return self._model

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit row per text. Raises `ModelError` when the model gives something that is not a vector."""
        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        if self._packed is not None:
            rows = self._packed.vectors([ids for ids, _ in inputs(self._tokenizer, texts, self.max_tokens)])
        else:
            # An empty prompt, because a model's default one is not part of its identity: prefixes are those of the configuration.
            rows = self._load().encode(list(texts), prompt="", batch_size=self.batch_size, convert_to_numpy=True, show_progress_bar=False)
        return unit(rows, len(texts), self.name)

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return the input tokens of each text, special tokens included."""
        return self._tokenizer.counts(texts, special=True)

    def token_vectors(self, texts: Sequence[str]) -> list[Vectors]:
        """Return a unit row per token in its context: the last layer before pooling. Raises `ModelError` as `encode` does."""
        if not texts:
            return []
        rows = []
        for whole, special in zip(*self._states(texts), strict=True):
            norms = np.linalg.norm(whole, axis=1, keepdims=True)
            if len(whole) != len(special) or not np.isfinite(whole).all() or not (norms > 1e-6).all():
                raise ModelError(
                    f"model {self.name!r} returned token vectors that are not one finite, non-zero row per token; it cannot be used token by token"
                )
            rows.append(np.asarray((whole / norms)[np.array(special) == 0], dtype=np.float32))
        return rows

    def _states(self, texts: Sequence[str]) -> tuple[list[Vectors], Sequence[Sequence[int]]]:
        """Return for each text the states of its tokens, and which of those are special."""
        if self._packed is not None:
            given = inputs(self._tokenizer, texts, self.max_tokens)
            return self._packed.states([ids for ids, _ in given]), [special for _, special in given]
        model = self._load()
        found = model.encode(list(texts), prompt="", batch_size=self.batch_size, output_value="token_embeddings", show_progress_bar=False)
        read = model.tokenizer(list(texts), truncation=True, max_length=self.max_tokens, return_special_tokens_mask=True, verbose=False)
        return [vectors.float().cpu().numpy() for vectors in found], read["special_tokens_mask"]


def input_limit(directory: Path) -> int:
    """Return how many tokens a model reads: as its settings say, else the lower of what tokenizer and positions allow."""
    named = _whole(read_json(directory / "sentence_bert_config.json").get("max_seq_length"))
    if named:
        return named
    tokenizer = _whole(read_json(directory / "tokenizer_config.json").get("model_max_length"))
    positions = _whole(read_json(directory / "config.json").get("max_position_embeddings"))
    return min((limit for limit in (tokenizer, positions) if limit), default=512)


def _whole(value: object) -> int | None:
    """Return a positive number as a whole one; tokenizers without a limit are saved with 1e30."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1_000_000:
        return None
    return int(value)
