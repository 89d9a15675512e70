"""Many points at once, their vectors in arrays: held against the gate's rules in a few operations of numpy."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.index.gate import MAX_NORM, MIN_NORM, PointRecord, Sparse, check_payload, is_id, validate

_SURE = 1e-6  # a norm so near to a bound is left to the gate: sums may be rounded in another order here


@dataclass(frozen=True, slots=True)
class Rows:
    """Sparse vectors, one after the other: how many terms each has (0: it has no vector), the terms, their weights."""

    lengths: Sequence[int]
    indices: NDArray[np.uint32]
    values: NDArray[np.float64]

    def vectors(self) -> Iterator[tuple[list[int], list[float]]]:
        """Yield the terms and weights of each vector."""
        indices, values = self.indices.tolist(), self.values.tolist()
        ends = [0, *accumulate(self.lengths)]
        return ((indices[a:b], values[a:b]) for a, b in pairwise(ends))


@dataclass(frozen=True, slots=True)
class Batch:
    """Points: row `i` of every array in `dense`, vector `i` of every space in `sparse` and `payloads[i]` are those of `ids[i]`."""

    ids: Sequence[str]
    dense: Mapping[str, NDArray[np.float32]]
    sparse: Mapping[str, Rows]
    payloads: Sequence[Mapping[str, Any]]

    def points(self) -> list[PointRecord]:
        """Return the points one by one."""
        weights: list[dict[str, Sparse]] = [{} for _ in self.ids]
        for name, rows in self.sparse.items():
            for own, (indices, values) in zip(weights, rows.vectors(), strict=True):
                if indices:
                    own[name] = Sparse(tuple(indices), tuple(values))
        return [
            PointRecord(i, {name: v[n] for name, v in self.dense.items()}, weights[n], p)
            for n, (i, p) in enumerate(zip(self.ids, self.payloads, strict=True))
        ]  # fmt: skip


def validate_batch(batch: Batch, dimensions: Mapping[str, int], sparse: Collection[str]) -> None:
    """Raise `StoreError` as `validate` does for the first point that an engine must not see.

    What is not plainly sound goes through the gate point by point, so that its rules and its words are in one place.
    """
    if not _sound(batch, dimensions, sparse):
        for point in batch.points():
            validate(point, dimensions, sparse)
    else:
        for i, payload in zip(batch.ids, batch.payloads, strict=True):
            check_payload(i, payload)


def _sound(batch: Batch, dimensions: Mapping[str, int], sparse: Collection[str]) -> bool:
    """Whether ids and vectors are beyond doubt."""
    if not all(map(is_id, batch.ids)) or not set(batch.sparse) <= set(sparse):
        return False
    if not all(name in dimensions and _dense(v, len(batch.ids), dimensions[name]) for name, v in batch.dense.items()):
        return False
    if set(dimensions) - set(batch.dense) and any(p.get("kind") == "chunk" for p in batch.payloads):
        return False
    return all(_sparse(rows, len(batch.ids)) for rows in batch.sparse.values())


def _dense(vectors: NDArray[np.float32], count: int, dimension: int) -> bool:
    if vectors.dtype != np.float32 or vectors.shape != (count, dimension):
        return False
    wide = vectors.astype(np.float64)
    norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    return bool(((norms > MIN_NORM * (1 + _SURE)) & (norms < MAX_NORM * (1 - _SURE))).all())  # False for NaN


def _sparse(rows: Rows, count: int) -> bool:
    """Whether terms ascend within every vector, and weights are finite and positive as the engine stores them."""
    total = sum(rows.lengths)
    if len(rows.lengths) != count or min(rows.lengths, default=0) < 0 or not total == len(rows.indices) == len(rows.values):
        return False
    if rows.indices.dtype != np.uint32:
        return False
    rising = rows.indices[1:] > rows.indices[:-1]
    starts = np.cumsum(rows.lengths[:-1], dtype=np.int64)  # where another vector begins, terms need not ascend
    rising[starts[(starts > 0) & (starts < total)] - 1] = True
    with np.errstate(over="ignore", under="ignore"):
        stored = rows.values.astype(np.float32)
    return bool(rising.all() and np.isfinite(stored).all() and (stored > 0).all())
