"""A deterministic stand-in for an embedding model: hashed words, no weights. For tests and offline trials, not for quality."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from rag.errors import ModelError
from rag.models.encoder import Vectors

_WORD = re.compile(r"\w+")


@lru_cache(maxsize=100_000)
def _direction(word: str, dimension: int) -> Vectors:
    seed = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
    return np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)


class HashingEncoder:
    """Each distinct lower-case word is a fixed random direction; a text is the unit sum of its words' directions."""

    def __init__(self, dimension: int = 64, max_tokens: int = 256) -> None:
        """Take the dimension of the vectors and how many words of a text are read. Raises `ModelError` for dimension 0."""
        if dimension < 1:
            raise ModelError(f"model 'hashing-{dimension}' has no dimension; write for example hashing-64")
        self.name = f"hashing-{dimension}"
        self.dimension, self.max_tokens = dimension, max_tokens
        self.identity = {"name": self.name, "digest": "3", "max_tokens": max_tokens, "normalized": True}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit row per text; a text without words is the direction of the empty word."""
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        for i, text in enumerate(texts):
            words = sorted(set(_WORD.findall(text.lower())[: self.max_tokens])) or [""]
            rows[i] = np.sum([_direction(w, self.dimension) for w in words], axis=0)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)

    def for_questions(self) -> HashingEncoder:
        """Return this encoder: questions are embedded as passages are."""
        return self

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return the number of words of each text."""
        return [len(_WORD.findall(t)) for t in texts]

    def token_vectors(self, texts: Sequence[str]) -> list[Vectors]:
        """Return the unit direction of each word that is read, in order; no row for a text without words."""
        found = []
        for text in texts:
            words = _WORD.findall(text.lower())[: self.max_tokens]
            rows = np.array([_direction(w, self.dimension) for w in words], dtype=np.float32).reshape(len(words), self.dimension)
            found.append(np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32))
        return found
