"""The port for scoring (query, passage) pairs, and its memo: each pair is scored once, ever."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rag.errors import ModelError
from rag.fingerprint import key
from rag.memo import Memo

Pair = tuple[str, str]
_KEPT = struct.Struct("<dI")


@dataclass(frozen=True, slots=True)
class Scored:
    """The raw score of a pair, higher is better, and how many input tokens it makes before truncation."""

    score: float
    tokens: int


class PairScorer(Protocol):
    """Pairs to raw scores. `identity` names everything that can change a score; `max_tokens` is the input limit of a pair.

    The score of a pair does not depend on the pairs it is scored with, beyond rounding.
    """

    name: str
    identity: dict[str, Any]
    max_tokens: int

    def score(self, pairs: Sequence[Pair], batch_tokens: int) -> list[Scored]:
        """Return one finite score per pair, in order; at most `batch_tokens` are computed at once, but always one pair."""


class OverlapScorer:
    """The stand-in without weights, `overlap`: the share of the query's distinct lower-case words that the passage has, 0 without words."""

    name = "overlap"

    def __init__(self, max_tokens: int = 512) -> None:
        """Take how many words of a pair are read."""
        self.max_tokens = max_tokens
        self.identity: dict[str, Any] = {"name": self.name, "digest": "1", "max_tokens": self.max_tokens}

    def score(self, pairs: Sequence[Pair], batch_tokens: int) -> list[Scored]:
        """Return the shares; of what a pair has more than `max_tokens` words, the rest of the passage is not read."""
        found = []
        for query, passage in pairs:
            asked, told = (re.findall(r"\w+", t.lower()) for t in (query, passage))
            words, read = set(asked), set(told[: max(0, self.max_tokens - len(asked))])
            found.append(Scored(len(words & read) / len(words) if words else 0.0, len(asked) + len(told)))
        return found


def score_pairs(scorer: PairScorer, query: str, texts: Sequence[str], memo: Memo, batch_tokens: int) -> tuple[list[Scored], int]:
    """Return one score per text, in order, from the memo where it is there, and how many pairs were scored anew.

    Raises `ModelError` when the model gives a score that is not finite; nothing is kept then.
    """
    identity = key("pair", 1, scorer.identity)
    keys = [key(identity, query, t) for t in texts]
    found = {k: _read(v) for k, v in memo.get_many(list(dict.fromkeys(keys))).items() if len(v) == _KEPT.size}
    missing = {k: (query, t) for k, t in zip(keys, texts, strict=True) if k not in found}
    if missing:
        fresh = dict(zip(missing, scorer.score(list(missing.values()), batch_tokens), strict=True))
        if not all(_finite(s.score) for s in fresh.values()):
            raise ModelError(f"model {scorer.name!r} returned scores that are not finite; check its files, or another precision")
        memo.put_many({k: _KEPT.pack(s.score, s.tokens) for k, s in fresh.items()})
        found |= fresh
    return [found[k] for k in keys], len(missing)


def _read(value: bytes) -> Scored:
    return Scored(*_KEPT.unpack(value))


def _finite(score: float) -> bool:
    return abs(score) < float("inf")  # false for NaN too
