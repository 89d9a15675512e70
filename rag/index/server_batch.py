"""Batches of points that fit into one request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from rag.index.gate import PointRecord

T = TypeVar("T")
POINTS = 256
BYTES = 16 * 2**20  # half of what a server accepts by default (service.max_request_size_mb: 32)
_FLOAT, _TERM = 25, 40  # the most bytes that a number takes in JSON, and an index with its weight


def point_bytes(point: PointRecord) -> int:
    """Return an upper bound of the bytes a point takes in a request."""
    dense = sum(v.size for v in point.dense.values()) * _FLOAT
    sparse = sum(len(s.indices) for s in point.sparse.values()) * _TERM
    return 300 + dense + sparse + len(json.dumps(dict(point.payload), ensure_ascii=False).encode("utf-8", "surrogatepass"))


def batches(items: Sequence[T], size: Callable[[T], int], most: int = POINTS, limit: int = BYTES) -> Iterator[list[T]]:
    """Yield the items in order, in batches of at most `most` items and `limit` bytes; one item over the limit goes alone."""
    batch: list[T] = []
    total = 0
    for item in items:
        cost = size(item)
        if batch and (len(batch) == most or total + cost > limit):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += cost
    if batch:
        yield batch
