"""A sequence classifier of transformers that reads pairs of texts: its files, its tokenizer, its batches and its logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from rag.models.pairs import Pair
from rag.models.workers import Workers

if TYPE_CHECKING:
    import torch

Row = Mapping[str, list[int]]


class PairClassifier:
    """Pairs of texts to logits; weights are loaded when the first pair has to be read and not before, and never unpickled.

    Pairs are batched by length as `batched` says, so that logits never depend on what else is in a batch.
    """

    def __init__(self, name: str, precision: str = "auto", max_tokens: int | None = None) -> None:
        """Find the model's files and read its settings. Raises `ModelError` when they cannot be had or are of another kind."""
        self.name, self.precision = name, native_precision() if precision == "auto" else precision
        self.directory = locate(name)
        self.config = _checked(self.directory)
        limit = input_limit(self.directory)
        self.max_tokens = min(limit, max_tokens or limit)
        self.digest = digest(self.directory)
        self._lock = Lock()  # loading, and the tokenizer, which keeps its settings in itself

    def rows(self, pairs: Sequence[Pair], cut: int | None = None) -> list[Row]:
        """Return the model's input for each pair, `input_ids` and what goes with them: whole, or cut to so many tokens."""
        if not pairs:
            return []
        with self._lock:
            found = self._tokenizer([a for a, _ in pairs], [b for _, b in pairs], truncation=cut is not None, max_length=cut, verbose=False)
        return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Return `(start, end)` in characters of every token of a text, in order; tokens of no width are left out."""
        with self._lock:
            found = self._tokenizer(text, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False)
        return [(a, b) for a, b in found["offset_mapping"] if b > a]

    def logits(self, rows: Sequence[Row], batch_tokens: int) -> list[list[float]]:
        """Return the logits of each input, in order; a batch has one input or at most `batch_tokens`. Raises `ModelError` when the model cannot be used."""
        with self._lock:
            model = self._model
        batches = batched([len(row["input_ids"]) for row in rows], batch_tokens, self.precision)
        found = self._workers.map(lambda batch: self._forward(model, [rows[i] for i in batch]), batches)
        placed = {i: values for batch, part in zip(batches, found, strict=True) for i, values in zip(batch, part, strict=True)}
        return [placed[i] for i in range(len(rows))]

    def _forward(self, model: torch.nn.Module, rows: Sequence[Row]) -> list[list[float]]:
        import torch

        longest = max(len(row["input_ids"]) for row in rows)
        fillers = {"input_ids": self._tokenizer.pad_token_id or 0}
        padded = {name: [row[name] + [fillers.get(name, 0)] * (longest - len(row[name])) for row in rows] for name in rows[0]}
        if all(len(row["input_ids"]) == longest for row in rows):
            padded.pop("attention_mask", None)  # nothing to mask: attention is faster without
        with torch.inference_mode():
            try:
                logits = model(**{name: torch.tensor(v, device=self._device) for name, v in padded.items()}).logits
            except (RuntimeError, IndexError, ValueError, TypeError) as error:
                raise ModelError(f"model {self.name!r} cannot read pairs of {longest} tokens ({_line(error)}); set a smaller max_tokens") from None
        found: list[list[float]] = logits.double().tolist()
        return found

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

        made = self._loaded(lambda: AutoTokenizer.from_pretrained(self.directory, trust_remote_code=False, local_files_only=True))
        if not made.is_fast:
            raise ModelError(f"{self.directory} has no fast tokenizer (tokenizer.json), which alone says where tokens stand; save the model with one")
        return made

    @cached_property
    def _model(self) -> torch.nn.Module:
        import torch
        from transformers import AutoModelForSequenceClassification
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it untyped
        settings: dict[str, Any] = {"use_safetensors": True, "trust_remote_code": False, "local_files_only": True, "output_loading_info": True}
        made, told = self._loaded(lambda: AutoModelForSequenceClassification.from_pretrained(self.directory, dtype=torch.float32, **settings))
        if lacking := sorted(told["missing_keys"]):
            raise ModelError(f"{self.directory}: its weights lack {', '.join(lacking[:3])}, which would be random; choose a model trained to classify pairs")
        model: torch.nn.Module = made.eval()
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
            raise ModelError(f"model {self.name!r} at {self.directory} cannot be loaded ({_line(error)}); check its files or download it again") from None


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


def _checked(directory: Path) -> dict[str, object]:
    """Return the settings of a classifier that needs no code of its own and has weights that are not pickled. Raises `ModelError` for another."""
    config = read_json(directory / "config.json")
    kinds = config.get("architectures")
    made = " ".join(map(str, kinds)) if isinstance(kinds, list) and kinds else "model of unknown kind"
    if not made.endswith("ForSequenceClassification") or "auto_map" in config:
        raise ModelError(f"{directory} holds a {made}, not a sequence classifier of transformers; choose one without code of its own")
    if not list(directory.glob("*.safetensors")):
        raise ModelError(f"{directory} has no .safetensors weights, and .bin files, which can run code when they are read, are not loaded; convert the model")
    return config


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
