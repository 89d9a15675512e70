"""Token vectors: each text encoded once, kept within bounds, and cosines of means as they are defined."""

from __future__ import annotations

import numpy as np
import pytest

import eval.judges._tokens as module
from eval.judges._tokens import Rows, Tokens, cosine


def encode(calls):
    """Return rows that depend on the text alone, and note what was encoded."""

    def made(texts):
        calls.append(list(texts))
        return [np.random.default_rng(len(t)).normal(size=(len(t.split()), 4)).astype(np.float32) for t in texts]

    return made


def test_the_cosine_is_that_of_the_mean_rows():
    a, b = np.float32([[1, 0], [0, 1]]), np.float32([[1, 0], [1, 0]])
    assert cosine(Rows.of(a), Rows.of(b)) == pytest.approx(np.sqrt(0.5))
    assert cosine(Rows.of(a), Rows.of(a[:0])) == 0.0
    assert cosine(Rows.of(a), Rows.of(np.float32([[1, 0], [-1, 0]]))) == 0.0


def test_a_mean_that_is_kept_is_to_the_bit_what_would_be_computed():
    """Verdicts are compared between runs."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        a, b = (rng.normal(size=(int(rng.integers(1, 40)), 384)).astype(np.float32) for _ in range(2))
        left, right = a.mean(axis=0, dtype=np.float64), b.mean(axis=0, dtype=np.float64)
        assert cosine(Rows.of(a), Rows.of(b)) == float(left @ right) / float(np.linalg.norm(left) * np.linalg.norm(right))


def test_each_text_is_encoded_once_and_read_as_it_was_kept():
    calls = []
    tokens = Tokens(encode(calls))
    first = tokens(["a b c", "d e", "a b c"])
    assert calls == [["d e", "a b c"]]
    again = tokens(["a b c"])
    assert calls == [["d e", "a b c"]]
    assert again["a b c"] is first["a b c"]
    assert first["d e"].tokens.dtype == np.float32
    assert np.array_equal(first["d e"].tokens, encode([])(["d e"])[0].astype(np.float16).astype(np.float32))


def test_what_is_kept_is_bounded_and_the_oldest_goes_first(monkeypatch):
    """What is no longer ready is made ready again from what is kept, to the bit; what is no longer kept is encoded again."""
    monkeypatch.setattr(module, "_READY", 2)
    monkeypatch.setattr(module, "_KEPT", 4)
    calls = []
    tokens = Tokens(encode(calls))
    first = tokens(["a", "b b", "c c c"])
    assert list(tokens._ready) == ["b b", "c c c"]
    again = tokens(["a"])
    assert len(calls) == 1
    assert np.array_equal(again["a"].tokens, first["a"].tokens)
    tokens(["d d d d", "e e e e e"])
    assert list(tokens._kept) == ["c c c", "a", "d d d d", "e e e e e"]
    tokens(["b b"])
    assert calls[-1] == ["b b"]
