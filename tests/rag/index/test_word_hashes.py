"""A hash for every word: equal whatever the case and the punctuation, and whichever way a text is read."""

from __future__ import annotations

import hashlib

import pytest

from rag.index.word_hashes import LONGEST, many_hashes, word_hashes
from rag.words import FEW


def reference(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")


def test_case_and_punctuation_do_not_count():
    assert word_hashes("It's 3.14!").tolist() == [reference(w) for w in ("it", "s", "3", "14")]
    assert word_hashes("IT S, 3 14").tolist() == word_hashes("it s 3 14").tolist()


@pytest.mark.parametrize("text", ["plain words, foo_bar", "x" * 16 + " " + "y" * 17 + " z", "a" * LONGEST + " b"])
def test_a_short_text_a_long_one_and_one_with_another_character_are_read_alike(text):
    """They are read in three ways, which must agree: a letter elsewhere must not change the signature of the rest."""
    few = word_hashes(text).tolist()
    times = 1 + FEW // len(text)
    assert word_hashes(f"{text} caf\u00e9").tolist() == [*few, reference("caf\u00e9")]
    assert word_hashes(f"{text} " * times).tolist() == few * times


def test_the_rest_of_a_very_long_word_is_another_word():
    assert word_hashes("a" * (LONGEST + 3)).tolist() == [reference("a" * LONGEST), reference("aaa")]


def test_without_words_characters_count():
    assert word_hashes("?! .").tolist() == [reference(c) for c in "?!."]
    assert word_hashes(" \n").tolist() == []


@pytest.mark.parametrize("times", [1, FEW])
def test_texts_that_are_read_together_are_read_as_each_by_itself(times):
    """Of few characters and of many; among them are texts without words, without anything, with a very long word and with other letters."""
    texts = ["cat dog", "", "?! .", "caf\u00e9 cat", "a" * (LONGEST + 3) + " b", "Dog\n\ncat", " ", "end"] * (1 + times // 80)
    assert [h.tolist() for h in many_hashes(texts)] == [word_hashes(t).tolist() for t in texts]
    short = [t for t in texts if len(t) <= LONGEST]
    assert [h.tolist() for h in many_hashes(short)] == [word_hashes(t).tolist() for t in short]
    assert many_hashes([]) == []
