"""A BERT encoder in numpy: for a question or two, which are embedded before torch would have been imported."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.models.bert import Bert

Array = NDArray[np.float32]
_ERF = np.array([1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592], dtype=np.float32)


def states(bert: Bert, ids: Sequence[int]) -> Array:
    """Return the last layer's state of each token of one text, shape `(tokens, width)`, in float32."""
    words, places = bert.tensor("embeddings.word_embeddings.weight"), bert.tensor("embeddings.position_embeddings.weight")
    given = words[np.asarray(ids)] + places[bert.places(ids)] + bert.tensor("embeddings.token_type_embeddings.weight")[0]
    hidden = _norm(given, bert.tensor("embeddings.LayerNorm.weight"), bert.tensor("embeddings.LayerNorm.bias"), bert.epsilon)
    for layer in range(bert.layers):
        hidden = _layer(bert, layer, hidden)
    return hidden


def vector(bert: Bert, ids: Sequence[int]) -> Array:
    """Return the vector of one text before it is normalised, shape `(width,)`."""
    found = states(bert, ids)
    return found[0] if bert.pooling == "cls" else np.asarray(found.mean(axis=0), dtype=np.float32)


def _layer(bert: Bert, layer: int, hidden: Array) -> Array:
    query, key, value = (_linear(hidden, *bert.in_layer(layer, f"attention.self.{n}")) for n in ("query", "key", "value"))
    mixed = _attend(query, key, value, bert.heads)
    attended = _linear(mixed, *bert.in_layer(layer, "attention.output.dense")) + hidden
    attended = _norm(attended, *bert.in_layer(layer, "attention.output.LayerNorm"), bert.epsilon)
    inner = gelu(_linear(attended, *bert.in_layer(layer, "intermediate.dense")))
    output = _linear(inner, *bert.in_layer(layer, "output.dense")) + attended
    return _norm(output, *bert.in_layer(layer, "output.LayerNorm"), bert.epsilon)


def _linear(given: Array, weight: Array, bias: Array) -> Array:
    found = given @ weight.T
    found += bias
    return found


def _attend(query: Array, key: Array, value: Array, heads: int) -> Array:
    tokens, width = query.shape
    q, k, v = (x.reshape(tokens, heads, width // heads).transpose(1, 0, 2) for x in (query, key, value))
    scores = q @ k.transpose(0, 2, 1)
    scores *= np.float32((width // heads) ** -0.5)
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return np.asarray((scores @ v).transpose(1, 0, 2).reshape(tokens, width), dtype=np.float32)


def _norm(given: Array, weight: Array, bias: Array, epsilon: float) -> Array:
    centred = given - given.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + np.float32(epsilon))
    return np.asarray(centred / spread * weight + bias, dtype=np.float32)


def gelu(given: Array) -> Array:
    """Return x times the normal distribution function of x.

    The error function is that of Abramowitz and Stegun 7.1.26, wrong by at most 1.5e-7, which is about what float32 rounds away.
    """
    scaled = np.abs(given) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * scaled)
    series = np.full_like(t, _ERF[0])
    for coefficient in _ERF[1:]:
        series *= t
        series += coefficient
    series *= t
    tail = series * np.exp(-scaled * scaled)  # 1 - erf of the absolute value
    return np.asarray(0.5 * (given + np.abs(given) * (1 - tail)), dtype=np.float32)
