"""A BERT encoder in torch that computes no padding: texts lie one behind the other, in batches of a number of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError, RagError
from rag.models.attention import attend, equal
from rag.models.bert import Bert
from rag.models.packed import Binary, Unary, adding, mapping
from rag.models.workers import Workers

if TYPE_CHECKING:
    import torch

Array = NDArray[np.float32]
R = TypeVar("R")
BUDGET = 4096  # tokens of a batch on one core; half as many take 3 % longer, because each batch reads all weights, twice as many are no quicker
SHORT = 32  # rows that are rounded up to a multiple of four
OVERHEAD = 12  # tokens that take as long as what takes the same time for any number of them
ACCELERATED = 65536  # tokens of a batch on an accelerator


@dataclass(frozen=True)
class Layer:
    """The parts of one layer; queries, keys and values come from one product, with the scale of attention in the weights of queries."""

    joined: Unary
    mixed: Binary
    inner: Unary
    outer: Binary
    first: Callable[[torch.Tensor], torch.Tensor]
    second: Callable[[torch.Tensor], torch.Tensor]


class TorchBert:
    """A model on one device, in one number format."""

    def __init__(self, bert: Bert, precision: str, device: str) -> None:
        """Copy the tensors to the device in the format, laid out as its library wants them."""
        import torch

        self.bert, self.device, self._kind = bert, device, getattr(torch, precision)
        with torch.inference_mode():
            self._words = self._put(bert.tensor("embeddings.word_embeddings.weight"))
            self._places = self._put(bert.tensor("embeddings.position_embeddings.weight") + bert.tensor("embeddings.token_type_embeddings.weight")[0])
            self._norm = self._normed(bert.tensor("embeddings.LayerNorm.weight"), bert.tensor("embeddings.LayerNorm.bias"))
            self._layers = [self._layer(i) for i in range(bert.layers)]

    def vectors(self, rows: Sequence[Sequence[int]]) -> Array:
        """Return the vector of each text, of which the tokens are given, before it is normalised; shape `(texts, width)`."""
        found = np.empty((len(rows), self.bert.width), dtype=np.float32)
        for batch, part in self._each(rows, lambda states, lengths: _pooled(states, lengths, self.bert.pooling)):
            found[batch] = part
        return found

    def states(self, rows: Sequence[Sequence[int]]) -> list[Array]:
        """Return for each text the last layer's state of each token, shape `(tokens, width)`."""
        found: dict[int, Array] = {}
        for batch, parts in self._each(rows, lambda states, lengths: np.split(states.float().cpu().numpy(), np.cumsum(lengths)[:-1])):
            found.update(zip(batch, parts, strict=True))
        return [found[i] for i in range(len(rows))]

    def _each(self, rows: Sequence[Sequence[int]], finish: Callable[[torch.Tensor, Sequence[int]], R]) -> Iterator[tuple[list[int], R]]:
        """Yield the places of the texts of each batch, and what `finish` makes of their token states and lengths."""

        def work(batch: list[int]) -> R:
            given = [rows[i] for i in batch]
            return finish(self._forward(given), [len(g) for g in given])

        own, lengths = self.device == "cpu", [len(r) for r in rows]
        batches = batched(lengths, shared(lengths, self._workers.count) if own else ACCELERATED, padded=not own)
        if len(batches) == 1:
            yield batches[0], self._workers.lone(work, batches[0], sum(lengths) + OVERHEAD)
        else:
            yield from zip(batches, self._workers.map(work, batches), strict=True)

    @cached_property
    def _workers(self) -> Workers:
        return Workers(one=self.device != "cpu")

    def _forward(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Return the state of each token of the texts, one text behind the other."""
        import torch

        lengths = [len(r) for r in rows]
        tokens = sum(lengths)
        given = np.zeros((2, rounded(tokens) if self.device == "cpu" else tokens), dtype=np.int64)
        np.concatenate([np.asarray(r, dtype=np.int64) for r in rows], out=given[0, :tokens])
        np.concatenate([self.bert.places(r) for r in rows], out=given[1, :tokens])
        ids, places = torch.from_numpy(given).to(self.device)
        with torch.inference_mode():
            hidden = self._norm(self._words[ids] + self._places[places])
            for layer in self._layers:
                mixed = attend(layer.joined(hidden), lengths, self.bert.heads)
                hidden = layer.first(layer.mixed(mixed, hidden))
                hidden = layer.second(layer.outer(layer.inner(hidden), hidden))
        return hidden[:tokens]

    def _layer(self, index: int) -> Layer:
        bert = self.bert
        parts = [bert.in_layer(index, f"attention.self.{n}") for n in ("query", "key", "value")]
        scale = np.float32((bert.width // bert.heads) ** -0.5)
        parts[0] = (parts[0][0] * scale, parts[0][1] * scale)
        joined = np.concatenate([w for w, _ in parts]), np.concatenate([b for _, b in parts])

        def put(name: str) -> tuple[torch.Tensor, torch.Tensor]:
            weight, bias = bert.in_layer(index, name)
            return self._put(weight), self._put(bias)

        return Layer(
            joined=mapping(self._put(joined[0]), self._put(joined[1])),
            mixed=adding(*put("attention.output.dense")),
            inner=mapping(*put("intermediate.dense"), gelu=True),
            outer=adding(*put("output.dense")),
            first=self._normed(*bert.in_layer(index, "attention.output.LayerNorm")),
            second=self._normed(*bert.in_layer(index, "output.LayerNorm")),
        )

    def _normed(self, weight: Array, bias: Array) -> Callable[[torch.Tensor], torch.Tensor]:
        import torch

        scale, shift = self._put(weight), self._put(bias)
        return lambda given: torch.nn.functional.layer_norm(given, (self.bert.width,), scale, shift, self.bert.epsilon)

    def _put(self, array: Array) -> torch.Tensor:
        import torch

        return torch.tensor(array).to(self.device, self._kind)


def opened(bert: Bert, precision: str, device: str, name: str) -> TorchBert:
    """Return the encoder on a device. Raises `ModelError` with the reason where torch cannot be imported, or has no room."""
    try:
        return TorchBert(bert, precision, device)
    except RagError:
        raise
    except Exception as error:  # what libraries and devices raise has no common class
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise ModelError(f"model {name!r} cannot be loaded on {device} ({why}); check its files and torch, or set RAG_DEVICE=cpu") from None


def shared(lengths: Sequence[int], cores: int) -> int:
    """Return the most tokens of a batch, at most `BUDGET`, with which each core computes as many batches, of about as many tokens.

    Half of the longest text comes on top, because that much of a batch stays empty on average.
    """
    total = sum(lengths)
    rounds = max(1, -(-total // (cores * BUDGET)))
    return min(BUDGET, -(-total // (cores * rounds)) + max(lengths, default=0) // 2)


def batched(lengths: Sequence[int], budget: int, padded: bool = False) -> list[list[int]]:
    """Return the places of texts in batches of like length, the longest first, each of one text or of at most `budget` tokens.

    Where texts are `padded` to the longest of their batch, padding counts as tokens do.
    """
    batches: list[list[int]] = []
    room = longest = 0
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        cost = longest if padded and batches else lengths[i]
        if not batches or cost > room:
            batches.append([])
            room, longest = budget, lengths[i]
            cost = lengths[i]
        batches[-1].append(i)
        room -= cost
    return batches


def rounded(tokens: int) -> int:
    """Return at least that many rows: a multiple of four up to 32, which are those of a question, beyond that at most a sixteenth more (or seven).

    For every number of rows a layer first meets, torch's library makes a program, which takes a millisecond and megabytes, and keeps it.
    """
    step = max(8, 1 << max(0, tokens.bit_length() - 5)) if tokens > SHORT else 4
    return -(-tokens // step) * step


def _pooled(states: torch.Tensor, lengths: Sequence[int], mode: str) -> Array:
    """Return one float32 row per text of a batch: the state of its first token, or the mean of all."""
    import torch

    with torch.inference_mode():
        if mode == "cls":
            sizes = torch.tensor(list(lengths), device=states.device)
            rows = states[torch.cumsum(sizes, 0) - sizes].float()
        else:
            rows = torch.cat([part.view(count, length, -1).float().mean(1) for part, length, count in equal(states, lengths)])
        found: Array = rows.cpu().numpy()
    return found
