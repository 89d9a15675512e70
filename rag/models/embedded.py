"""Embedding with a memo: each distinct text is encoded once, ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import numpy as np

from rag.fingerprint import key
from rag.memo import Memo
from rag.models.encoder import Embeds, Vectors

Bar = Callable[[int], AbstractContextManager[Callable[[int], None]]]  # from the number of texts to encode to what is told of those that are done
_SLICE = 512  # texts encoded between two writes to the memo: what an interruption can cost


def kept_under(encoder: Embeds) -> str:
    """Return what the memo's keys of this encoder's vectors begin with; the number rises when the same model is computed otherwise."""
    return key("embed", 3, encoder.identity)


def embedded(encoder: Embeds, texts: Sequence[str], prefix: str, memo: Memo, bar: Bar) -> Vectors:
    """Return one unit row per text with `prefix` before it, shape `(len(texts), dimension)`."""
    identity = kept_under(encoder)
    keys = [key(identity, prefix, t) for t in texts]
    found = {k: v for k, v in memo.get_many(list(dict.fromkeys(keys))).items() if _sound(v)}
    missing = {k: prefix + t for k, t in zip(keys, texts, strict=True) if k not in found}
    order = sorted(missing, key=lambda k: len(missing[k]))  # like lengths together: no padding wasted
    with bar(len(order)) as advance:
        for i in range(0, len(order), _SLICE):
            part = order[i : i + _SLICE]
            rows = encoder.encode([missing[k] for k in part])
            fresh = {k: row.tobytes() for k, row in zip(part, rows, strict=True)}
            memo.put_many(fresh)
            found.update(fresh)
            advance(len(part))
    if not keys:
        return np.empty((0, 0), dtype=np.float32)
    return np.frombuffer(b"".join(found[k] for k in keys), dtype=np.float32).reshape(len(keys), -1)


def _sound(row: bytes) -> bool:
    """Return whether a kept embedding is one: a damaged entry is all but never whole numbers of floats of norm 1."""
    if not row or len(row) % 4:
        return False
    vector = np.frombuffer(row, dtype=np.float32)
    return bool(abs(float(vector @ vector) - 1) < 1e-2)
