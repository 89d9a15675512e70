"""Server-sent events, however they are cut into chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.chat._wire import events


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (b"data: a\n\n", ["a"]),
        (b"data:a\n\ndata:  b\n\n", ["a", " b"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b": comment\nevent: x\nid: 1\nretry: 5\ndata: a\n\n", ["a"]),
        (b"\n\n\n", []),
        (b"data: a", ["a"]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", ["a", "b", "c"]),
        ("data: \u2028\x85\u00e9\n\n".encode(), ["\u2028\x85\u00e9"]),
        (b"data\n\ndatax: a\n\n", []),
    ],
)
def test_events_are_read_as_the_standard_says(sent: bytes, found: list[str]) -> None:
    """Other line ends of Unicode are part of the data."""
    assert list(events([sent])) == found


@given(st.lists(st.sampled_from(["data: a\r\n", "data: \u00e9b\n", "\r\n", "\n", "\r", ": c\r", "data: x\r"]), max_size=12).map("".join), st.data())
def test_how_a_stream_is_cut_makes_no_difference(text: str, data: st.DataObject) -> None:
    whole = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    chunks = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert list(events(chunks)) == list(events([whole]))
