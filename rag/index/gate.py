"""The one gate every point passes before it reaches an engine: a malformed record can poison or brick a shard.

Each rule answers something the engine was seen to accept and should not; `tests/rag/index/test_gate.py` lists the cases.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import StoreError

MAX_PAYLOAD_BYTES = 256 * 1024
MAX_DEPTH = 16
MIN_NORM, MAX_NORM = 1e-6, 1e6  # far from 1 on both sides: beyond them a dot product of float32 is lost or overflows
_INT64 = 2**63
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


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


def is_id(value: object) -> bool:
    """Whether a value is the id of a point."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def validate(point: PointRecord, dimensions: Mapping[str, int], sparse: Collection[str]) -> None:
    """Raise `StoreError` naming the point and the fault when an engine must not see it.

    `dimensions` are the dense spaces of the collection, `sparse` the names of its sparse ones. A chunk must have a
    vector in every dense space: one without would be stored, counted and never found.
    """
    if not is_id(point.id):
        raise StoreError(f"point {point.id!r}: its id is not a UUID in lower case")
    for name, vector in point.dense.items():
        _dense(point.id, name, vector, dimensions)
    for name, weights in point.sparse.items():
        if name not in sparse:
            raise StoreError(f"point {point.id}: sparse vector {name!r} is of no space of this index")
        _sparse(point.id, name, weights)
    if point.payload.get("kind") == "chunk" and (missing := sorted(set(dimensions) - set(point.dense))):
        raise StoreError(f"point {point.id}: a chunk without a vector {missing[0]!r}")
    check_payload(point.id, point.payload)


def check_payload(point: str, payload: Mapping[str, object]) -> None:
    """Raise `StoreError` when a payload is too large, too deep, or holds what an engine would alter or refuse."""
    size = 0
    for name, value in payload.items():  # most values are text or small numbers: no recursion for them
        kind = type(value)
        if type(name) is not str:
            size += _payload(point, {name: value}, 0)
        elif kind is str:
            size += _text(point, name) + _text(point, value)  # type: ignore[arg-type]  # its type was looked at
        elif (kind is int and -_INT64 <= value < _INT64) or (kind is float and math.isfinite(value)):  # type: ignore[operator,arg-type]  # as above
            size += _text(point, name) + 8
        elif kind is dict and not value:
            size += _text(point, name)
        else:
            size += _payload(point, {name: value}, 0)
    if size > MAX_PAYLOAD_BYTES:
        raise StoreError(f"point {point}: payload of {size} bytes is over {MAX_PAYLOAD_BYTES}")


def _dense(point: str, name: str, vector: NDArray[np.float32], dimensions: Mapping[str, int]) -> None:
    if name not in dimensions:
        raise StoreError(f"point {point}: vector {name!r} is of no space of this index")
    if vector.shape != (dimensions[name],) or vector.dtype != np.float32:
        raise StoreError(f"point {point}: vector {name!r} is {vector.dtype} of shape {vector.shape}, expected float32 of ({dimensions[name]},)")
    norm = float(np.linalg.norm(vector.astype(np.float64)))
    if not MIN_NORM < norm < MAX_NORM:  # True for NaN
        raise StoreError(f"point {point}: vector {name!r} is not finite and non-zero (norm {norm})")


def _sparse(point: str, name: str, sparse: Sparse) -> None:
    n = len(sparse.indices)
    if n != len(sparse.values) or n == 0:
        raise StoreError(f"point {point}: sparse vector {name!r} has {n} indices and {len(sparse.values)} values")
    a = np.asarray(sparse.indices)
    if set(map(type, sparse.indices)) != {int} or a.dtype != np.int64 or a[0] < 0 or a[-1] >= 2**32 or not (a[1:] > a[:-1]).all():
        raise StoreError(f"point {point}: sparse vector {name!r} has indices that are not ascending 32-bit numbers")
    with np.errstate(over="ignore", under="ignore"):
        v = np.asarray(sparse.values, dtype=np.float64).astype(np.float32)  # what the engine stores: 1e300 becomes infinite
    if not np.isfinite(v).all() or (v <= 0).any():
        raise StoreError(f"point {point}: sparse vector {name!r} has weights that are not finite and positive")


def _payload(point: str, value: object, depth: int) -> int:
    """Return about how many bytes a payload value takes."""
    if depth > MAX_DEPTH:
        raise StoreError(f"point {point}: payload nested more than {MAX_DEPTH} deep")
    if value is None or isinstance(value, bool):
        return 8
    if isinstance(value, str):
        return _text(point, value)
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise StoreError(f"point {point}: payload number {value} does not fit 64 bits")
        return 8
    if isinstance(value, float):
        if not math.isfinite(value):
            raise StoreError(f"point {point}: payload number {value} is not finite")
        return 8
    if isinstance(value, Mapping):
        if not all(isinstance(k, str) for k in value):
            raise StoreError(f"point {point}: payload has a key that is not text")
        return sum(_text(point, k) + _payload(point, v, depth + 1) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return sum(_payload(point, v, depth + 1) for v in value)
    raise StoreError(f"point {point}: payload holds a {type(value).__name__}")


def _text(point: str, value: str) -> int:
    if value.isascii():
        return len(value)
    try:
        return len(value.encode("utf-8"))
    except UnicodeEncodeError:
        raise StoreError(f"point {point}: payload text holds a lone surrogate") from None
