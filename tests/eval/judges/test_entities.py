"""What a text names, by its spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judges._entities import entities


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("The Beatles were formed in Liverpool in 1960.", ("Beatles", "Liverpool", "1960")),
        ("Replicas copy it. Shards split it.", ()),
        ("Replicas copy it. Two Replicas copy more.", ("Replicas",)),
        ("Qdrant stores vectors, and we use Qdrant.", ("Qdrant",)),
        ("WHO says so. GPT-4 does, BM25 too.", ("WHO", "GPT-4", "BM25")),
        ("The University of Oxford's team", ("University of Oxford",)),
        ("It takes 3.5 GB, 12% of $5 million, 30 days.", ("3.5 GB", "12%", "$5 million", "30 days")),
        ("I am here.", ()),
        ("", ()),
    ],
)
def test_names_acronyms_and_numbers(text, named):
    """A capital that only opens a sentence is no name; numbers keep their units; each is named once."""
    assert entities(text) == named


@given(st.text(max_size=120) | st.lists(st.sampled_from(["The", "Oxford", "of", "30", "GB", ".", "USA", "I", "'s", "\ud800"]), max_size=12).map(" ".join))
def test_any_text_gives_distinct_parts_of_it_in_order(text):
    """Each entity is a part of the text, none comes twice, and they come in the order of their places."""
    found = entities(text)
    assert len({e.casefold() for e in found}) == len(found)
    if "\ud800" not in text:
        assert all(e in text for e in found)
