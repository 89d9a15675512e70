"""The one gate every point passes before it reaches an engine: a malformed record can poison or brick a shard.

What the engine accepts and should not is measured in `docs/engine.md`; each rule here answers one of those cases.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import StoreError

MAX_PAYLOAD_BYTES = 256 * 1024
MAX_DEPTH = 16
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse vector: term ids (unique, ascending, unsigned 32-bit) and their positive finite weights."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PointRecord:
    """One point of the collection before it is handed to an engine."""

    id: str
    dense: Mapping[str, NDArray[np.float32]]
    sparse: Mapping[str, Sparse]
    payload: Mapping[str, object]


def validate(point: PointRecord, dimensions: Mapping[str, int]) -> None:
    """Raise `StoreError` naming the point and the fault when an engine must not see it."""
    for name, vector in point.dense.items():
        if vector.shape != (dimensions.get(name),) or vector.dtype != np.float32:
            raise StoreError(f"point {point.id}: vector {name!r} has shape {vector.shape}, expected ({dimensions.get(name)},)")
        norm = float(np.linalg.norm(vector))
        if not math.isfinite(norm) or norm <= 1e-6:
            raise StoreError(f"point {point.id}: vector {name!r} is not finite and non-zero (norm {norm})")
    for name, sparse in point.sparse.items():
        _sparse(point.id, name, sparse)
    size = _payload(point.id, point.payload, 0)
    if size > MAX_PAYLOAD_BYTES:
        raise StoreError(f"point {point.id}: payload of {size} bytes is over {MAX_PAYLOAD_BYTES}")


def _sparse(point: str, name: str, sparse: Sparse) -> None:
    a, v = np.asarray(sparse.indices, dtype=np.int64), np.asarray(sparse.values, dtype=np.float64)
    if len(a) != len(v) or len(a) == 0:
        raise StoreError(f"point {point}: sparse vector {name!r} has {len(a)} indices and {len(v)} values")
    if a[0] < 0 or a[-1] >= 2**32 or (np.diff(a) <= 0).any():
        raise StoreError(f"point {point}: sparse vector {name!r} has indices that are not ascending 32-bit numbers")
    if not np.isfinite(v).all() or (v <= 0).any():
        raise StoreError(f"point {point}: sparse vector {name!r} has weights that are not finite and positive")


def _payload(point: str, value: object, depth: int) -> int:
    if depth > MAX_DEPTH:
        raise StoreError(f"point {point}: payload nested more than {MAX_DEPTH} deep")
    if value is None or isinstance(value, bool):
        return 8
    if isinstance(value, str):
        try:
            return len(value.encode("utf-8"))
        except UnicodeEncodeError:
            raise StoreError(f"point {point}: payload text holds a lone surrogate") from None
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise StoreError(f"point {point}: payload number {value} does not fit 64 bits")
        return 8
    if isinstance(value, float):
        if not math.isfinite(value):
            raise StoreError(f"point {point}: payload number {value} is not finite")
        return 8
    if isinstance(value, Mapping):
        return sum(_payload(point, str(k), depth + 1) + _payload(point, v, depth + 1) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return sum(_payload(point, v, depth + 1) for v in value)
    raise StoreError(f"point {point}: payload holds a {type(value).__name__}")
