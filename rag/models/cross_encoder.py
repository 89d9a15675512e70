"""The adapter to cross-encoders: sequence classifiers of transformers, as sentence-transformers saves them too."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError
from rag.models.encoder import input_limit, native_precision
from rag.models.files import digest, locate, read_json
from rag.models.first_token import shorten
from rag.models.int8 import quantized
from rag.models.packed import pack
from rag.models.pairs import Pair, Scored
from rag.models.workers import Workers

if TYPE_CHECKING:
    import torch

Encoded = dict[str, list[int]]
RELEVANT = ("relevant", "entailment", "positive", "yes", "true", "1", "label_1")  # names of the label that means yes, the surest first


class CrossEncoderScorer:
    """A classifier of (query, passage) pairs, loaded when the first pair has to be scored and not before; prompts saved with it are not applied.

    The raw score is the logit of a model with one label, else the log-odds of the label that means relevant. Pairs are batched by
    length. So that a score never depends on what else is in its batch, pairs are padded in float32 alone, where that shows only in
    the seventh digit, and in int8, where activations are scaled by batch, each pair is a batch.
    """

    def __init__(self, name: str, precision: str = "auto", max_tokens: int | None = None) -> None:
        """Find the model's files and read its settings. Raises `ModelError` when they cannot be had or are of another kind."""
        self.name, self.precision = name, native_precision() if precision == "auto" else precision
        self._directory = locate(name)
        self._label = _label(self._directory)
        limit = input_limit(self._directory)
        self.max_tokens = min(limit, max_tokens or limit)
        self.identity: dict[str, Any] = {
            "name": name,
            "digest": digest(self._directory),
            "max_tokens": self.max_tokens,
            "precision": self.precision,
            "label": self._label,
        }
        self._lock = Lock()  # loading, and the tokenizer, which keeps its settings in itself

    def score(self, pairs: Sequence[Pair], batch_tokens: int) -> list[Scored]:
        """Return the raw score of each pair and its tokens before truncation. Raises `ModelError` when the model cannot be used."""
        with self._lock:
            model = self._model
            encoded, tokens = self._encode(pairs)
        lengths = [len(e["input_ids"]) for e in encoded]
        batches = batched(lengths, batch_tokens, self.precision)
        found = self._workers.map(lambda batch: self._forward(model, [encoded[i] for i in batch]), batches)
        scores = {i: s for batch, row in zip(batches, found, strict=True) for i, s in zip(batch, row, strict=True)}
        return [Scored(scores[i], n) for i, n in enumerate(tokens)]

    def _encode(self, pairs: Sequence[Pair]) -> tuple[list[Encoded], list[int]]:
        """Return the model's input of each pair, cut to `max_tokens`, and how many tokens it was before."""
        whole = self._rows(pairs, truncation=False)
        tokens = [len(row["input_ids"]) for row in whole]
        over = [i for i, n in enumerate(tokens) if n > self.max_tokens]
        if over:
            cut = self._rows([pairs[i] for i in over], truncation=True, max_length=self.max_tokens)
            for i, row in zip(over, cut, strict=True):
                whole[i] = row
        return whole, tokens

    def _rows(self, pairs: Sequence[Pair], **truncation: Any) -> list[Encoded]:
        found = self._tokenizer([q for q, _ in pairs], [p for _, p in pairs], verbose=False, **truncation)
        return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]

    def _forward(self, model: torch.nn.Module, rows: Sequence[Encoded]) -> list[float]:
        import torch

        longest = max(len(row["input_ids"]) for row in rows)
        padded = {name: [_padded(row[name], longest, self._tokenizer.pad_token_id if name == "input_ids" else 0) for row in rows] for name in rows[0]}
        if all(len(row["input_ids"]) == longest for row in rows):
            padded.pop("attention_mask", None)  # nothing to mask: attention is faster without
        with torch.inference_mode():
            try:
                logits = model(**{name: torch.tensor(v, device=self._device) for name, v in padded.items()}).logits
            except (RuntimeError, IndexError, ValueError, TypeError) as error:
                raise ModelError(f"model {self.name!r} cannot score pairs of {longest} tokens ({_line(error)}); set a smaller max_tokens") from None
        return [_log_odds(row, self._label) for row in logits.double().tolist()]

    @cached_property
    def _device(self) -> str:
        import torch

        return "cuda" if torch.cuda.is_available() and self.precision != "int8" else "cpu"

    @cached_property
    def _workers(self) -> Workers:
        return Workers(one=self._device != "cpu")

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return self._loaded(lambda: AutoTokenizer.from_pretrained(self._directory, trust_remote_code=False, local_files_only=True))

    @cached_property
    def _model(self) -> torch.nn.Module:
        import torch
        from transformers import AutoModelForSequenceClassification
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it untyped
        settings: dict[str, Any] = {"use_safetensors": True, "trust_remote_code": False, "local_files_only": True}
        model: torch.nn.Module = self._loaded(
            lambda: AutoModelForSequenceClassification.from_pretrained(self._directory, dtype=torch.float32, **settings)
        ).eval()
        shorten(model)
        if self.precision == "int8":
            return quantized(model)
        model = model.to(self._device, getattr(torch, self.precision))
        if self._device == "cpu":
            pack(model)
        return model

    def _loaded(self, load: Callable[[], Any]) -> Any:
        try:
            return load()
        except Exception as error:  # what damaged files make the libraries raise has no common class
            raise ModelError(f"model {self.name!r} at {self._directory} cannot be loaded ({_line(error)}); check its files or download it again") from None


def batched(lengths: Sequence[int], budget: int, precision: str) -> list[list[int]]:
    """Return the places of pairs in batches of like length, the longest first.

    A batch has one pair or, padding included, at most `budget` tokens: of any lengths in float32, of one length in bfloat16, and
    one pair in int8.
    """
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        last = batches[-1] if batches else []
        fits = last and (len(last) + 1) * lengths[last[0]] <= budget
        if fits and (precision == "float32" or (precision == "bfloat16" and lengths[i] == lengths[last[0]])):
            last.append(i)
        else:
            batches.append([i])
    return batches


def _label(directory: Path) -> int:
    """Return the place of the label that means relevant. Raises `ModelError` for what is none."""
    config = read_json(directory / "config.json")
    kinds = config.get("architectures")
    made = " ".join(map(str, kinds)) if isinstance(kinds, list) and kinds else "model of unknown kind"
    if not made.endswith("ForSequenceClassification") or "auto_map" in config:
        raise ModelError(f"{directory} holds a {made}, not a sequence classifier of transformers; choose a cross-encoder without code of its own")
    if not list(directory.glob("*.safetensors")):
        raise ModelError(f"{directory} has no .safetensors weights, and .bin files, which can run code when they are read, are not loaded; convert the model")
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


def _padded(row: list[int], length: int, filler: int) -> list[int]:
    return row + [filler] * (length - len(row))


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
