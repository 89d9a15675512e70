"""Canaries: searches with what they found when a generation was sealed, repeated whenever it is opened.

They cost milliseconds, since a graph is searched where there is one and not every vector read, and notice what sizes and counts do not: vectors,
weights or payloads that came apart.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import numpy as np

from rag.errors import StoreError
from rag.index.engine import Engine, Layout, Scope
from rag.index.gate import Sparse
from rag.index.manifest import Manifest

COUNT = 4  # chunks that are looked for
_BEST = 3
_TOLERANCE = 1e-4


def record(engine: Engine, layout: Layout) -> list[dict[str, Any]]:
    """Return canaries for the first chunks of a collection."""
    first = [i for _, (i, _) in zip(range(COUNT), engine.scroll("chunk", Scope()), strict=False)]
    made: list[dict[str, Any]] = []
    for i in first:
        canary: dict[str, Any] = {"id": i, "payload": _digest(engine.payloads([i])[i]), "found": {}, "exact": not layout.hnsw}
        for name in layout.dense:
            canary["found"][name] = _scores(engine, name, engine.vectors(name, [i])[i], canary["exact"])
        for name in layout.sparse:
            terms = engine.terms(name, i)[:_BEST]
            canary.setdefault("terms", {})[name] = terms
            canary["found"][name] = _scores(engine, name, _query(terms))
        made.append(canary)
    return made


def verify(engine: Engine, manifest: Manifest) -> None:
    """Raise `StoreError` when a canary is not found as it was."""
    for canary in manifest.canaries:
        i = canary["id"]
        payload = engine.payloads([i]).get(i)
        if payload is None or _digest(payload) != canary["payload"]:
            raise StoreError(f"canary {i} has another payload than when the index was sealed")
        for name, expected in canary["found"].items():
            if name in canary.get("terms", {}):
                found = _scores(engine, name, _query(canary["terms"][name]))
            else:
                vector = engine.vectors(name, [i]).get(i)
                if vector is None:
                    raise StoreError(f"canary {i} has lost its vector {name}")
                found = _scores(engine, name, vector, canary.get("exact", True))
            if len(found) != len(expected) or not all(math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE) for a, b in zip(found, expected, strict=True)):
                raise StoreError(f"a search of {name} for canary {i} scores {found}, {expected} when the index was sealed")


def _query(terms: list[int]) -> Sparse | None:
    return Sparse(tuple(terms), (1.0,) * len(terms)) if terms else None


def _scores(engine: Engine, space: str, vector: np.ndarray[Any, np.dtype[np.float32]] | Sparse | None, exact: bool = True) -> list[float]:
    if vector is None:
        return []
    return [s for _, s in engine.nearest(space, vector, _BEST, Scope(), None, exact)]


def _digest(payload: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(payload, sort_keys=True).encode(), digest_size=16).hexdigest()
