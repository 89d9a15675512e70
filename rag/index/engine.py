"""The port to a vector engine, and its values: what `rag` asks of one, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.index.gate import PointRecord, Sparse
from rag.types import Condition

Scored = tuple[str, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """The named vector spaces of a collection: dense with their dimensions, sparse with the idf modifier."""

    dense: Mapping[str, int]
    sparse: tuple[str, ...]
    hnsw: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose chunks may be read: one tenant's, or, on an index without tenants, all."""

    tenant: str | None = None


class Engine(Protocol):
    """One collection of points."""

    def write(self, points: Sequence[PointRecord]) -> None:
        """Add or replace points."""

    def index_payload(self, keys: Mapping[str, str]) -> None:
        """Build payload indexes: key to `keyword`, `integer` or `float`."""

    def finish(self) -> None:
        """Optimise, flush to disk and close."""

    def close(self) -> None:
        """Release the collection."""

    def nearest(self, space: str, vector: NDArray[np.float32] | Sparse, limit: int, scope: Scope, where: Sequence[Condition], exact: bool) -> list[Scored]:
        """Return the ids and scores of the best points in one space, by (-score, id)."""

    def payloads(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the payload of every id that exists."""

    def vectors(self, space: str, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vector in one dense space of every id that has one."""

    def scroll(self, kind: str, scope: Scope) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield id and payload of every point of a kind (`chunk`, `page`), by id."""

    def count(self) -> int:
        """Return the number of points."""
