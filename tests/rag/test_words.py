"""Words looked up in arrays: the same as a dictionary says, whatever comes, and never more than was allowed."""

from __future__ import annotations

import re
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.kept import LONGEST
from rag.words import SHORT, Words, runs

TEXTS = st.text(alphabet=st.sampled_from("abcXYZ019_ -.\n'\0\x7f"), max_size=200)


def number(word: str) -> int:
    return zlib.crc32(word.encode()) | len(word) << 32


def expected(text: str) -> list[int]:
    return [number(w) for w in re.findall(r"[a-z0-9_]+", text.lower())]


@given(st.lists(TEXTS, max_size=8))
def test_numbers_are_those_of_the_runs_of_letters_digits_and_underscores_in_order(texts):
    words = Words(number, 1000)
    for text in [*texts, *texts]:  # known words too
        assert words.numbers(runs(text)).tolist() == expected(text)


def test_runs_are_where_a_regular_expression_finds_them():
    found = runs("It's 3.14, foo_bar")
    assert [(found.data[a:b], a - 1) for a, b in zip(found.starts, found.ends, strict=True)] == [
        (b"it", 0), (b"s", 3), (b"3", 5), (b"14", 7), (b"foo_bar", 11),
    ]  # fmt: skip
    assert found.longest == 7
    assert runs("").longest == runs(" .-").longest == 0
    with pytest.raises(UnicodeEncodeError):
        runs("caf\u00e9")


def test_a_word_is_made_once_and_words_of_equal_beginning_stay_apart():
    made: list[str] = []
    words = Words(lambda w: made.append(w) or len(made), 1000)
    same = "x" * SHORT
    text = f"a A {same} {same}y {same}z a {same} b {same[:8]} {same[:7]}"
    first = words.numbers(runs(text)).tolist()
    assert first == [1, 1, 2, 3, 4, 1, 2, 5, 6, 7]
    assert words.numbers(runs(text)).tolist() == first
    assert len(made) == len(set(made)) == 7


def test_it_never_holds_more_than_it_may_and_stays_right():
    words = Words(number, 50)
    for n in range(0, 2000, 7):
        text = " ".join(f"w{i} {'long' * 5}{i}" for i in range(n, n + 40))
        assert words.numbers(runs(text)).tolist() == expected(text)
        assert len(words) <= 50


def test_a_very_long_word_is_made_and_not_kept():
    made: list[str] = []
    words = Words(lambda w: made.append(w) or 5, 10)
    text = "y" * (LONGEST + 1)
    assert words.numbers(runs(text)).tolist() == words.numbers(runs(text)).tolist() == [5]
    assert made == [text, text]
    assert len(words) == 0


def test_it_grows_and_finds_every_word_again():
    words = Words(number, 500_000)
    text = " ".join(f"w{n}" for n in range(70_000))  # more than there are slots for at first
    assert words.numbers(runs(text)).tolist() == expected(text)
    assert len(words) == 70_000
    assert words.numbers(runs(text)).tolist() == expected(text)


def test_words_that_crowd_into_one_slot_are_found_all_the_same():
    """Whoever knows how words are scattered can write texts of words that belong into one slot."""
    words = Words(number, 100_000)
    made = [f"{n:06d}" for n in range(200_000)]
    halves = np.zeros((2, len(made)), dtype=np.uint64)
    halves[0] = np.frombuffer("".join(w.ljust(8, "\0") for w in made).encode(), dtype="<u8")
    slots = words._slot(halves)
    crowded = [w for w, s in zip(made, slots.tolist(), strict=True) if s < 400]
    assert len(crowded) > 1100  # for 407 slots; words get them a thousand at a time
    for _ in range(2):
        assert words.numbers(runs(" ".join(crowded))).tolist() == expected(" ".join(crowded))
    assert len(words) == len(crowded)


def test_threads_that_share_it_get_the_numbers_of_their_words(monkeypatch):
    monkeypatch.setattr("rag.words._TOGETHER", 8)  # slots move all the time
    words, before = Words(number, 3000), sys.getswitchinterval()
    texts = [" ".join(f"w{(7 * n + i) % 5000}" for i in range(40)) for n in range(400)]
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda t: words.numbers(runs(t)).tolist(), texts))
    finally:
        sys.setswitchinterval(before)
    assert found == [expected(t) for t in texts]
