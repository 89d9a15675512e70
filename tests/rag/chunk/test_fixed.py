"""Windows of a fixed size."""

from __future__ import annotations

import math

import pytest

from rag.chunk.fixed import Fixed
from rag.runtime import Runtime
from rag.types import Document


def texts(chunker: Fixed, text: str, runtime: Runtime) -> list[str]:
    """Return the text of every piece."""
    return [text[p.start : p.end] for p in chunker.chunk(Document("d", text), runtime)]


def test_characters(runtime: Runtime) -> None:
    """Four at a time; the last has what is left."""
    assert texts(Fixed(size=4, unit="characters"), "abcdefghij", runtime) == ["abcd", "efgh", "ij"]


def test_overlapping_characters_stop_at_the_end(runtime: Runtime) -> None:
    """Steps of 3; the window that reaches the end is the last: no `j` alone."""
    assert texts(Fixed(size=4, overlap=1, unit="characters"), "abcdefghij", runtime) == ["abcd", "defg", "ghij"]


def test_tokens(runtime: Runtime) -> None:
    """Each word here is one MiniLM token."""
    assert texts(Fixed(size=2), "one two three four five", runtime) == ["one two", "three four", "five"]


def test_overlapping_tokens(runtime: Runtime) -> None:
    """Two tokens, stepping by one."""
    assert texts(Fixed(size=2, overlap=1), "one two three four five", runtime) == ["one two", "two three", "three four", "four five"]


def test_a_word_may_be_cut_between_its_tokens(runtime: Runtime) -> None:
    """`tokenization` is token ##ization: fixed windows are blind to words."""
    assert texts(Fixed(size=1), "tokenization", runtime) == ["token", "ization"]


@pytest.mark.parametrize(("size", "overlap"), [(250, 125), (200, 0), (7, 6), (10, 3)])
def test_number_of_windows(size: int, overlap: int, runtime: Runtime) -> None:
    """`ceil((tokens - overlap) / (size - overlap))`, as for Chroma's TokenTextSplitter."""
    text = "one two three four five six seven " * 200
    assert len(texts(Fixed(size=size, overlap=overlap), text, runtime)) == math.ceil((1400 - overlap) / (size - overlap))


def test_a_window_that_adds_nothing_is_left_out(runtime: Runtime) -> None:
    """Windows ab, `b `, two blanks, ` c`: the second is inside the first, the third is blank."""
    assert texts(Fixed(size=2, overlap=1, unit="characters"), "ab  c", runtime) == ["ab", "c"]


def test_text_without_tokens_is_one_piece(runtime: Runtime) -> None:
    """The tokenizer drops NUL; the text is still there to be quoted."""
    assert texts(Fixed(), "\x00\x00", runtime) == ["\x00\x00"]


@pytest.mark.parametrize(
    ("size", "overlap", "says"), [(0, 0, "size must be at least 1"), (5, -1, "overlap must be at least 0"), (5, 5, "overlap must be less than size")]
)
def test_impossible_fields_are_refused(size: int, overlap: int, says: str) -> None:
    """With a sentence that names the field and the bound."""
    with pytest.raises(ValueError, match=says):
        Fixed(size=size, overlap=overlap)
