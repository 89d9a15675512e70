"""Paragraphs, lines, sentences, words, characters, in this order."""

from __future__ import annotations

import pytest

from rag.chunk.recursive import Recursive
from rag.runtime import Runtime
from rag.types import Document


def texts(text: str, runtime: Runtime, size: int, overlap: int = 0) -> list[str]:
    """Return the text of every piece, sizes in characters."""
    pieces = Recursive(size=size, overlap=overlap, unit="characters").chunk(Document("d", text), runtime)
    return [text[p.start : p.end] for p in pieces]


def test_paragraphs_are_joined_while_they_fit(runtime: Runtime) -> None:
    """7 + 2 + 7 characters are 16."""
    assert texts("aaa bbb\n\nccc ddd\n\neee", runtime, 16) == ["aaa bbb\n\nccc ddd", "eee"]


def test_a_paragraph_that_is_too_large_is_split_by_itself(runtime: Runtime) -> None:
    """Its last part is not joined with the next paragraph, as in LangChain."""
    assert texts("aa\n\neee fff ggg hhh iii\n\njj", runtime, 16) == ["aa", "eee fff ggg hhh", "iii", "jj"]


def test_lines_go_before_sentences(runtime: Runtime) -> None:
    """The line break is taken although a stop lies nearer to the limit."""
    assert texts("Aa bb\nCc. Dd ee", runtime, 12) == ["Aa bb", "Cc. Dd ee"]


def test_sentences_go_before_words_and_keep_their_stop(runtime: Runtime) -> None:
    """A number's point is no stop."""
    assert texts("It is 3.14 or so. Yes it is.", runtime, 20) == ["It is 3.14 or so.", "Yes it is."]


def test_a_word_is_cut_only_when_it_alone_is_too_large(runtime: Runtime) -> None:
    """Ten letters at a limit of four."""
    assert texts("ab cdefghijkl mn", runtime, 4) == ["ab", "cdef", "ghij", "kl", "mn"]


def test_overlap_repeats_whole_words(runtime: Runtime) -> None:
    """4 characters hold one of the words before."""
    assert texts("aaa bbb ccc ddd eee", runtime, 11, 4) == ["aaa bbb ccc", "ccc ddd eee"]


def test_tokens(runtime: Runtime) -> None:
    """Sizes are MiniLM tokens by default: `two.` is two, so the first two sentences are five."""
    text = "One two. Three. Four five six."
    assert [text[p.start : p.end] for p in Recursive(size=5).chunk(Document("d", text), runtime)] == ["One two. Three.", "Four five six."]


def test_overlap_must_be_less_than_size() -> None:
    """Else no chunk could go on."""
    with pytest.raises(ValueError, match=r"overlap must be less than size \(5\), not 5"):
        Recursive(size=5, overlap=5)
