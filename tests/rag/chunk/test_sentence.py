"""Groups of consecutive sentences."""

from __future__ import annotations

import pytest

from rag.chunk.sentence import Sentence
from rag.runtime import Runtime
from rag.types import Document

THREE = "Aa bb. Cc dd. Ee kk."


def texts(chunker: Sentence, text: str, runtime: Runtime) -> list[str]:
    """Return the text of every piece."""
    return [text[p.start : p.end] for p in chunker.chunk(Document("d", text), runtime)]


def test_sentences_are_joined_while_they_fit(runtime: Runtime) -> None:
    """6 + 1 + 6 characters are 13."""
    assert texts(Sentence(size=13, unit="characters"), THREE, runtime) == ["Aa bb. Cc dd.", "Ee kk."]


def test_overlap_counts_sentences(runtime: Runtime) -> None:
    """One sentence is repeated."""
    assert texts(Sentence(size=13, overlap_sentences=1, unit="characters"), THREE, runtime) == ["Aa bb. Cc dd.", "Cc dd. Ee kk."]


def test_an_overlap_that_leaves_no_room_is_dropped(runtime: Runtime) -> None:
    """Two sentences never fit together, so none can be repeated."""
    assert texts(Sentence(size=12, overlap_sentences=2, unit="characters"), THREE, runtime) == ["Aa bb.", "Cc dd.", "Ee kk."]


def test_an_overlap_larger_than_the_group_still_goes_on(runtime: Runtime) -> None:
    """Each group begins at least one sentence later."""
    assert texts(Sentence(size=13, overlap_sentences=9, unit="characters"), THREE + " Gg hh.", runtime) == ["Aa bb. Cc dd.", "Cc dd. Ee kk.", "Ee kk. Gg hh."]


def test_a_long_sentence_is_cut_between_words(runtime: Runtime) -> None:
    """Three tokens at a time; `six.` is two tokens."""
    assert texts(Sentence(size=3), "One two three four five six.", runtime) == ["One two three", "four five", "six."]


def test_abbreviations_end_no_sentence(runtime: Runtime) -> None:
    """The sentence splitter knows `Dr.` in English."""
    assert texts(Sentence(size=16, unit="characters"), "Dr. Smith left. He was late.", runtime) == ["Dr. Smith left.", "He was late."]


def test_an_unknown_language_is_refused() -> None:
    """With the near miss and the choices."""
    with pytest.raises(ValueError, match=r"language 'englsh' is not known, did you mean 'english'\?"):
        Sentence(language="englsh")
