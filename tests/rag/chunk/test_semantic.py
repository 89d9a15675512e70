"""Breaks where neighbouring sentences differ most; `hashing-64` gives equal word sets distance 0 and unlike ones about 1."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.chunk.semantic import Semantic
from rag.runtime import Runtime
from rag.types import Document

CATS, BONDS = "Cats purr softly.", "Bonds yield interest."
PLAIN = Semantic(size=200, min_size=1, model="hashing-64", buffer=0, unit="characters")


def texts(chunker: Semantic, text: str, runtime: Runtime) -> list[str]:
    """Return the text of every piece."""
    return [text[p.start : p.end] for p in chunker.chunk(Document("d", text), runtime)]


def repeat(*sentences: str) -> str:
    """Return the sentences as one text."""
    return " ".join(sentences)


def test_it_breaks_where_the_topic_changes(runtime: Runtime) -> None:
    """Distances 0 0 d 0 0: the 90th percentile is 0.6 d (linear between the two largest), and only d exceeds it."""
    text = repeat(CATS, CATS, CATS, BONDS, BONDS, BONDS)
    assert texts(PLAIN, text, runtime) == [repeat(CATS, CATS, CATS), repeat(BONDS, BONDS, BONDS)]


def test_an_absolute_threshold_does_not_depend_on_the_rest(runtime: Runtime) -> None:
    """Every change exceeds 0.5; none exceeds 2, the largest cosine distance there is."""
    text = repeat(CATS, BONDS, CATS)
    assert texts(replace(PLAIN, threshold="absolute"), text, runtime) == [CATS, BONDS, CATS]
    assert texts(replace(PLAIN, threshold="absolute", distance=2.0), text, runtime) == [text]


def test_equal_distances_give_no_break(runtime: Runtime) -> None:
    """None exceeds the percentile when all are the same."""
    assert texts(PLAIN, repeat(CATS, CATS, CATS), runtime) == [repeat(CATS, CATS, CATS)]


def test_no_break_before_min_size(runtime: Runtime) -> None:
    """Two sentences of 17 characters are 35: after the first the topic may change in vain."""
    text = repeat(CATS, BONDS, BONDS, CATS, CATS)
    assert texts(replace(PLAIN, threshold="absolute", min_size=18), text, runtime) == [repeat(CATS, BONDS, BONDS), repeat(CATS, CATS)]


def test_a_chunk_that_grows_too_large_breaks_at_its_widest_gap(runtime: Runtime) -> None:
    """No distance exceeds 2, but three sentences of 17 and two of 21 exceed 80: the topic change is the place."""
    text = repeat(CATS, CATS, CATS, BONDS, BONDS)
    chunker = replace(PLAIN, threshold="absolute", distance=2.0, size=80)
    assert texts(chunker, text, runtime) == [repeat(CATS, CATS, CATS), repeat(BONDS, BONDS)]


def test_the_widest_gap_must_leave_min_size_before_it(runtime: Runtime) -> None:
    """After the first sentence (17 of 30) the topic changes, but the break goes after 61 of 65 characters."""
    chunker = replace(PLAIN, threshold="absolute", distance=2.0, min_size=30, size=65)
    assert texts(chunker, repeat(CATS, BONDS, BONDS, BONDS), runtime) == [repeat(CATS, BONDS, BONDS), BONDS]


def test_what_remains_after_a_break_is_held_to_the_size_too(runtime: Runtime) -> None:
    """49 exceed 40; without `Cats.` 43 still do."""
    chunker = replace(PLAIN, threshold="absolute", distance=2.0, size=40)
    assert texts(chunker, repeat("Cats.", BONDS, BONDS), runtime) == ["Cats.", BONDS, BONDS]


def test_of_equal_gaps_the_later_is_taken(runtime: Runtime) -> None:
    """So that a chunk without any change is filled: two of 17 characters fit 40."""
    chunker = replace(PLAIN, threshold="absolute", distance=2.0, size=40)
    assert texts(chunker, repeat(CATS, CATS, CATS, CATS), runtime) == [repeat(CATS, CATS)] * 2


def test_a_small_last_piece_joins_the_one_before_where_it_fits(runtime: Runtime) -> None:
    """17 characters are less than 20; 39 fit 100, and do not fit 38."""
    text = repeat(BONDS, CATS)
    chunker = replace(PLAIN, threshold="absolute", min_size=20, size=100)
    assert texts(chunker, text, runtime) == [text]
    assert texts(replace(chunker, size=38), text, runtime) == [BONDS, CATS]


def test_the_buffer_embeds_each_sentence_with_its_neighbours(runtime: Runtime) -> None:
    """With one neighbour the word sets of cats, cats+bonds, cats+bonds, bonds change twice, not once."""
    text = repeat(CATS, CATS, BONDS, BONDS)
    assert texts(replace(PLAIN, threshold="absolute", distance=0.01), text, runtime) == [repeat(CATS, CATS), repeat(BONDS, BONDS)]
    assert texts(replace(PLAIN, threshold="absolute", distance=0.01, buffer=1), text, runtime) == [CATS, repeat(CATS, BONDS), BONDS]


def test_each_sentence_is_encoded_once(runtime: Runtime) -> None:
    """A second run reads the memo; equal texts share one vector."""
    text = repeat(CATS, CATS, BONDS)
    texts(PLAIN, text, runtime)
    texts(PLAIN, text, runtime)
    assert runtime.work.encodes == 2


def test_one_sentence_needs_no_model(runtime: Runtime) -> None:
    """There is nothing to compare."""
    assert texts(PLAIN, CATS, runtime) == [CATS]
    assert runtime.work.encodes == 0


def test_fields_are_checked() -> None:
    """With a sentence that names the field and the bound."""
    with pytest.raises(ValueError, match=r"min_size must be at most size \(30\), not 40"):
        Semantic(size=30)
    with pytest.raises(ValueError, match="percentile must be at most 100"):
        Semantic(percentile=101)
    with pytest.raises(ValueError, match="language 'klingon' is not known"):
        Semantic(language="klingon")
