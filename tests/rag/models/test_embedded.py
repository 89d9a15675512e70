"""Embedding with a memo: in order, each distinct text encoded once, damaged entries made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest

from rag.memo import Memo
from rag.models.embedded import embedded
from rag.models.encoder import Vectors
from rag.models.hashing import HashingEncoder


class Counting(HashingEncoder):
    """An encoder that notes what it is given."""

    def __init__(self) -> None:
        super().__init__(8)
        self.given: list[list[str]] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.given.append(list(texts))
        return super().encode(texts)


@contextmanager
def no_bar(total: int) -> Iterator[Callable[[int], None]]:
    yield lambda _: None


def test_rows_come_in_order_and_each_distinct_text_is_encoded_once_ever_the_shortest_first() -> None:
    encoder, memo = Counting(), Memo()
    rows = embedded(encoder, ["three words here", "one", "one", "two words"], "", memo, no_bar)
    assert encoder.given == [["one", "two words", "three words here"]]
    assert np.array_equal(rows, HashingEncoder(8).encode(["three words here", "one", "one", "two words"]))
    assert np.array_equal(embedded(encoder, ["two words", "new"], "", memo, no_bar)[0], rows[3])
    assert encoder.given[1:] == [["new"]]


def test_a_prefix_is_part_of_what_is_encoded_and_of_what_is_remembered() -> None:
    encoder, memo = Counting(), Memo()
    embedded(encoder, ["a"], "", memo, no_bar)
    embedded(encoder, ["a"], "query: ", memo, no_bar)
    assert encoder.given == [["a"], ["query: a"]]


@pytest.mark.parametrize("kept", [b"", b"123", np.zeros(8, dtype=np.float32).tobytes(), np.full(8, np.nan, dtype=np.float32).tobytes()])
def test_a_damaged_entry_is_encoded_again_and_replaced(kept: bytes) -> None:
    encoder, memo = Counting(), Memo()
    sound = embedded(encoder, ["word"], "", memo, no_bar).tobytes()
    memo._db.execute("UPDATE memo SET value = ?", [kept])
    assert embedded(encoder, ["word"], "", memo, no_bar).tobytes() == sound
    assert encoder.given == [["word"], ["word"]]
    assert memo._db.execute("SELECT value FROM memo").fetchall() == [(sound,)]


def test_the_bar_is_told_of_what_has_to_be_encoded_in_slices_and_not_of_what_is_remembered() -> None:
    told: list[int] = []

    @contextmanager
    def bar(total: int) -> Iterator[Callable[[int], None]]:
        told.append(-total)
        yield told.append

    encoder, memo = Counting(), Memo()
    embedded(encoder, ["known"], "", memo, no_bar)
    embedded(encoder, ["known", *(f"t{n}" for n in range(600))], "", memo, bar)
    assert told == [-600, 512, 88]


def test_no_texts_have_no_rows() -> None:
    assert embedded(Counting(), [], "", Memo(), no_bar).shape == (0, 0)
