"""What a directory holds, read without torch: an encoder of the BERT family in the form of sentence-transformers, or something else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.models.files import read_json
from rag.models.weights import Weights

PREFIXES = {"bert": "bert.", "roberta": "roberta.", "xlm-roberta": "roberta."}  # of tensors, where a model was saved with a head
_NORMALIZED = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
    "add_prefix_space": "add_prefix_space",
}
_SAID: dict[str, Any] = {
    "transformer_task": "feature-extraction",
    "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    "module_output_name": "token_embeddings",
}
_LAYER = {
    "attention.self.query": ("width", "width"),
    "attention.self.key": ("width", "width"),
    "attention.self.value": ("width", "width"),
    "attention.output.dense": ("width", "width"),
    "intermediate.dense": ("inner", "width"),
    "output.dense": ("width", "inner"),
    "attention.output.LayerNorm": ("width",),
    "output.LayerNorm": ("width",),
}


@dataclass(frozen=True)
class Bert:
    """Shape and tensors of a BERT encoder, and how its token states become the vector of a text: by `mean` or by `cls`."""

    layers: int
    heads: int
    width: int
    inner: int
    epsilon: float
    pooling: str
    padding: int | None  # RoBERTa counts positions from behind the number of its padding token; BERT (None) from 0
    prefix: str
    weights: Weights

    def tensor(self, name: str) -> NDArray[np.float32]:
        """Return a tensor by its name in `BertModel`."""
        return self.weights[self.prefix + name]

    def in_layer(self, layer: int, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return weight and bias of one part of a layer."""
        place = f"encoder.layer.{layer}.{name}"
        return self.tensor(f"{place}.weight"), self.tensor(f"{place}.bias")

    def places(self, ids: Sequence[int]) -> NDArray[np.int64]:
        """Return the row of the position table for each token of a text."""
        if self.padding is None:
            return np.arange(len(ids))
        read = np.asarray(ids) != self.padding
        return np.where(read, np.cumsum(read), 0) + self.padding


def read_bert(directory: Path, limit: int) -> Bert | None:
    """Return the encoder that a directory holds, None where it holds anything else, or more than is known how to compute here.

    `limit` is how many tokens are read. Raises `ModelError` when a settings file is no JSON.
    """
    config, pooling = read_json(directory / "config.json"), _pooling(directory)
    if pooling is None or not _plain(config) or (directory / "adapter_config.json").exists():
        return None
    if read_json(directory / "tokenizer_config.json").get("truncation_side", "right") != "right" or not _as_its_file(directory):
        return None
    try:
        weights = Weights(directory / "model.safetensors")
        layers, heads, width, inner = (int(_number(config, n)) for n in ("num_hidden_layers", "num_attention_heads", "hidden_size", "intermediate_size"))
        kind = str(config["model_type"])
        padding = None if kind == "bert" else int(_number(config, "pad_token_id"))
        prefix = next(p for p in ("", PREFIXES[kind]) if weights.shape(f"{p}embeddings.word_embeddings.weight"))
        bert = Bert(layers, heads, width, inner, _number(config, "layer_norm_eps"), pooling, padding, prefix, weights)
    except (OSError, ValueError, TypeError, KeyError, StopIteration):
        return None  # those that read the model in full say what is wrong
    first = 0 if padding is None else padding + 1
    rows = weights.shape(f"{prefix}embeddings.position_embeddings.weight") or (0,)
    return bert if width % heads == 0 and _whole(bert) and first + limit <= rows[0] else None


def _number(config: dict[str, object], name: str) -> float:
    value = config[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ValueError(name)
    return value


def _plain(config: dict[str, object]) -> bool:
    """Return whether a model is of the family and has none of the options that change what it computes."""
    options = ("is_decoder", "add_cross_attention", "auto_map", "quantization_config")
    absolute = config.get("position_embedding_type") in (None, "absolute")
    return config.get("model_type") in PREFIXES and config.get("hidden_act") == "gelu" and absolute and not any(config.get(o) for o in options)


def _pooling(directory: Path) -> str | None:
    """Return `mean` or `cls` where modules.json names a transformer and that pooling, and at most a normalisation besides; else None."""
    try:
        modules = json.loads((directory / "modules.json").read_text(encoding="utf-8"))
        named = [(str(m["type"]), str(m["path"])) for m in modules]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    kinds = [kind.rpartition(".")[2] for kind, _ in named]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]) or named[0][1] not in ("", "."):
        return None
    if not all(kind.startswith("sentence_transformers.") for kind, _ in named) or not _known(read_json(directory / "sentence_bert_config.json")):
        return None  # code of the model's own, or settings whose effect is not computed here
    return _mode(read_json(directory / named[1][1] / "config.json"))


def _known(settings: dict[str, Any]) -> bool:
    """Return whether settings of the transformer say nothing but a length, or what sentence-transformers says of every text model."""
    return all(name == "max_seq_length" or not value or _SAID.get(name) == value for name, value in settings.items())


def _as_its_file(directory: Path) -> bool:
    """Return whether the tokenizer's settings say of case, accents and spaces what tokenizer.json says: transformers lets the settings win."""
    said = {k: v for k, v in read_json(directory / "tokenizer_config.json").items() if k in _NORMALIZED and v is not None}
    if not said:
        return True
    own = read_json(directory / "tokenizer.json")
    parts = [p for p in (own.get("normalizer"), own.get("pre_tokenizer")) if isinstance(p, dict)]
    return all(p.get(_NORMALIZED[k], v) == v for k, v in said.items() for p in parts)


def _mode(said: dict[str, Any]) -> str | None:
    modes = said.get("pooling_mode")
    if modes is None:  # the form of sentence-transformers before 6
        modes = [k.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token") for k, v in said.items() if k.startswith("pooling_mode_") and v]
    if isinstance(modes, list) and len(modes) == 1:
        modes = modes[0]
    return modes if modes in ("mean", "cls") else None


def _whole(bert: Bert) -> bool:
    """Return whether all tensors are there, in the shapes that the settings say."""
    sizes = {"width": bert.width, "inner": bert.inner}
    wanted: dict[str, tuple[int, ...]] = {"embeddings.LayerNorm.weight": (bert.width,), "embeddings.LayerNorm.bias": (bert.width,)}
    for layer in range(bert.layers):
        for name, shape in _LAYER.items():
            wanted[f"encoder.layer.{layer}.{name}.weight"] = tuple(sizes[s] for s in shape)
            wanted[f"encoder.layer.{layer}.{name}.bias"] = (sizes[shape[0]],)
    tables = [bert.weights.shape(f"{bert.prefix}embeddings.{n}_embeddings.weight") for n in ("word", "position", "token_type")]
    return all(bert.weights.shape(bert.prefix + n) == s for n, s in wanted.items()) and all(t and t[1:] == (bert.width,) for t in tables)
