"""Rows of length one, where a model gave rows that have a length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError


def unit(rows: NDArray[np.float32], count: int, name: str) -> NDArray[np.float32]:
    """Return the rows divided by their lengths. Raises `ModelError` with the model's name unless they are `count` finite rows that are not zero."""
    vectors = np.asarray(rows, dtype=np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if vectors.shape[0] != count or not np.isfinite(vectors).all() or not (norms > 1e-6).all():
        raise ModelError(f"model {name!r} returned vectors that are not finite and non-zero; check its files with another text")
    return np.asarray(vectors / norms, dtype=np.float32)
