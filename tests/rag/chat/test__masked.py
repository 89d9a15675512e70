"""A key taken out of a text in pieces: as out of the whole, and nothing is held back longer than it may be a key."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from rag.chat._masked import LEAST, Masked, masked

KEY = "aabaabaabaab"  # of which every third end is also a beginning


@given(st.lists(st.sampled_from([KEY, KEY[:5], KEY[3:], "a", "b", "aab", "x", ""]), max_size=20))
@example([KEY[:11], "b"])
@example([KEY[:9], KEY])
def test_what_is_heard_is_the_whole_text_without_the_key(pieces: list[str]) -> None:
    heard: list[str] = []
    listener = Masked(KEY, heard.append)
    for n, piece in enumerate(pieces, 1):
        listener.add(piece)
        told = sum(len(p.replace("[key]", KEY)) for p in heard)
        assert len("".join(pieces[:n])) - told < len(KEY)
    listener.end()
    assert "".join(heard) == masked("".join(pieces), KEY) == "".join(pieces).replace(KEY, "[key]")
    assert "" not in heard


def test_text_that_begins_no_key_is_passed_on_at_once() -> None:
    heard: list[str] = []
    listener = Masked(KEY, heard.append)
    for piece in ("so ", "it ", "is ba", "b."):
        listener.add(piece)
    assert heard == ["so ", "it ", "is b", "ab."]


def test_a_key_is_looked_for_from_twelve_characters_on() -> None:
    assert len(KEY) == LEAST == 12
    assert [masked(f"<{k}>", k) for k in (KEY, KEY[1:], "", None)] == ["<[key]>", f"<{KEY[1:]}>", "<>", "<None>"]
