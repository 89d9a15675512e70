"""Vectors of single tokens: kept in half precision, and compared by MaxSim."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from rag.fingerprint import key
from rag.memo import Memo
from rag.models.encoder import Encoder, Vectors

_SLICE = 64  # texts encoded between two writes to the memo
_SHAPE = struct.Struct("<II")


def token_vectors(encoder: Encoder, texts: Sequence[str], memo: Memo) -> tuple[list[Vectors], int]:
    """Return one array per text, of a unit row per token, and how many texts were encoded anew: each distinct one once, ever.

    They are kept by text, not as scores of pairs, so that a passage that was read for one question is not read again for the next;
    in half precision, which moves a cosine by less than .001: 2 bytes a dimension, 150 kB for 200 tokens of 384 dimensions. What
    was just encoded goes through that precision too, so that results do not depend on what was kept.
    """
    identity = key("tokens", 2, encoder.identity)
    keys = [key(identity, t) for t in texts]
    found = {k: v for k, v in memo.get_many(list(dict.fromkeys(keys))).items() if _sound(v)}
    missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in found}
    order = sorted(missing, key=lambda k: len(missing[k]))  # like lengths together: no padding wasted
    for i in range(0, len(order), _SLICE):
        part = order[i : i + _SLICE]
        rows = encoder.token_vectors([missing[k] for k in part])
        fresh = {k: _SHAPE.pack(*row.shape) + row.astype("<f2").tobytes() for k, row in zip(part, rows, strict=True)}
        memo.put_many(fresh)
        found |= fresh
    return [_rows(found[k]) for k in keys], len(order)


def maxsim(query: Vectors, passage: Vectors) -> float:
    """Return the mean over the query's tokens of the greatest cosine to a token of the passage, 0 where either has none.

    Khattab and Zaharia 2020 (ColBERT) sum; the mean is that over the number of query tokens. Rows are unit vectors.
    """
    if not len(query) or not len(passage):
        return 0.0
    return float(np.mean((query @ passage.T).max(axis=1), dtype=np.float64))


def _rows(value: bytes) -> Vectors:
    return np.frombuffer(value, dtype="<f2", offset=_SHAPE.size).astype(np.float32).reshape(_SHAPE.unpack_from(value))


def _sound(value: bytes) -> bool:
    """Return whether a kept value is what was kept: a damaged one is all but never rows of the shape it names, of norm 1."""
    if len(value) < _SHAPE.size or len(value) != _SHAPE.size + 2 * int(np.prod(_SHAPE.unpack_from(value), dtype=np.uint64)):
        return False
    norms = np.linalg.norm(_rows(value), axis=1)
    return bool(np.all(np.abs(norms - 1) < 1e-2))
