"""The port to a vector engine, and its values: what `rag` asks of one, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.errors import StoreError
from rag.filters import Filter
from rag.index.gate import PointRecord, Sparse
from rag.index.manifest import REBUILD, Quantization

Scored = tuple[str, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """The named vector spaces of a collection: dense with their dimensions, sparse with the idf modifier.

    `quantization` is what a graph is searched with in this process; on a server its URL says so.
    """

    dense: Mapping[str, int]
    sparse: tuple[str, ...]
    hnsw: bool = False
    quantization: Quantization = "none"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose chunks may be read: one tenant's, or, on an index without tenants, all."""

    tenant: str | None = None

    def check(self, payload: Mapping[str, Any] | None) -> None:
        """Raise `StoreError` for a row of another tenant, which no filter should have let through."""
        if self.tenant is not None and (payload or {}).get("tenant") != self.tenant:
            raise StoreError(f"the index returned a row of another tenant; it is damaged: stop using it, and {REBUILD}")


class Engine(Protocol):
    """One collection of points."""

    layout: Layout

    def write(self, points: Sequence[PointRecord]) -> None:
        """Add or replace points; every one passes the gate first."""

    def delete(self, ids: Sequence[str]) -> None:
        """Delete points; ids that are not there are no error."""

    def points_of(self, tenant: str, doc_id: str) -> list[str]:
        """Return the ids of all points of a document."""

    def reweigh(self, space: str, weights: Mapping[str, Sparse | None]) -> None:
        """Replace one sparse vector of points that exist, None removes it; nothing else of them changes."""

    def index_payload(self, keys: Mapping[str, str]) -> None:
        """Have payload indexes on these keys and no others: key to `keyword`, `integer` or `float`."""

    def finish(self) -> None:
        """Optimise, flush to disk and close."""

    def close(self) -> None:
        """Release the collection."""

    def nearest(self, space: str, vector: NDArray[np.float32] | Sparse, limit: int, scope: Scope, where: Filter | None, exact: bool) -> list[Scored]:
        """Return the ids and scores of the best points in one space, by (-score, id). Raises `StoreError` for one outside the scope."""

    def payloads(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the payload of every id that exists."""

    def vectors(self, space: str, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vector in one dense space of every id that has one."""

    def scroll(self, kind: str, scope: Scope) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield id and payload of every point of a kind (`chunk`, `page`), by id."""

    def count(self, kind: str | None = None, scope: Scope | None = None) -> int:
        """Return the exact number of points, of one kind and in a scope where these are given."""

    def terms(self, space: str, point: str) -> list[int]:
        """Return the term ids of a point in a sparse space, ascending; none where it has no vector there."""
