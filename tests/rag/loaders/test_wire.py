"""Frames: what is sent comes out whole, and what is no frame is refused."""

import os
import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.loaders.base import Parsed
from rag.loaders.jobs import Reply
from rag.loaders.wire import BadFrame, Channel


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets."""
    one, two = socket.socketpair()
    with one, two:
        yield one, two


def test_frames_of_any_size_arrive_in_order(ends: tuple[socket.socket, socket.socket]) -> None:
    """Empty, small, and larger than every buffer, one after the other."""
    sender, receiver = Channel(ends[0]), Channel(ends[1])
    bodies = [b"", b"a", b"b" * 100_000, b"c" * 3_000_000, b"d" * 65_536, b""]

    def send() -> None:
        for i, body in enumerate(bodies):
            sender.send({"n": i}, body)

    thread = threading.Thread(target=send)
    thread.start()
    assert [receiver.receive(10) for _ in bodies] == [({"n": i}, body) for i, body in enumerate(bodies)]
    thread.join()
    sender.close()
    assert receiver.receive(10) is None


def test_open_files_travel_with_a_frame(ends: tuple[socket.socket, socket.socket]) -> None:
    """Each frame has its own, whatever else waits in the socket."""
    sender, receiver = Channel(ends[0]), Channel(ends[1])
    pipes = [os.pipe() for _ in range(3)]
    sender.send({"n": 0}, files=[pipes[0][0]])
    sender.send({"n": 1})
    sender.send({"n": 2}, files=[pipes[1][0], pipes[2][0]])
    sender.close()
    got = [receiver.receive_files() for _ in range(4)]
    assert [(g[0]["n"], len(g[1])) for g in got if g] == [(0, 1), (1, 0), (2, 2)]
    assert got[3] is None
    for handle in [h for pair in pipes for h in pair] + [h for g in got if g for h in g[1]]:
        os.close(handle)


@pytest.mark.parametrize(
    "data", [struct.pack("!II", 2**31, 2**31), struct.pack("!II", 3, 0) + b"{x}", struct.pack("!II", 2, 0) + b"[]", struct.pack("!II", 1, 0) + b"\xff"]
)
def test_what_is_no_frame_is_refused(ends: tuple[socket.socket, socket.socket], data: bytes) -> None:
    """Without reserving the memory that its lengths claim."""
    ends[0].sendall(data)
    with pytest.raises(BadFrame):
        Channel(ends[1], most=1000).receive(10)


@pytest.mark.parametrize("data", [b"\0", struct.pack("!II", 10, 0), struct.pack("!II", 2, 5) + b"{}abc", struct.pack("!II", 2, 100_000) + b"{}abc"])
def test_a_frame_cut_off_is_the_end(ends: tuple[socket.socket, socket.socket], data: bytes) -> None:
    """Half a document is none."""
    ends[0].sendall(data)
    ends[0].close()
    assert Channel(ends[1]).receive(10) is None


def test_silence_ends_in_time(ends: tuple[socket.socket, socket.socket]) -> None:
    """The reader does not wait for ever."""
    with pytest.raises(TimeoutError):
        Channel(ends[1]).receive(0.05)


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
META = st.dictionaries(
    TEXT, TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.lists(TEXT).map(tuple)
)


@settings(deadline=None)
@given(TEXT, META, TEXT, st.none() | st.text(), st.none() | st.integers(1), st.booleans())
def test_a_document_comes_out_as_it_went_in(text: str, meta: dict[str, object], title: str, id: str | None, number: int | None, last: bool) -> None:
    """Every type of metadata keeps its type, and ids keep what no file could hold, for the reader to refuse."""
    reply = Reply(Parsed(text, meta, title, len(text), id), "", number, 1.5, last)  # type: ignore[arg-type]  # of the declared types by construction
    one, two = socket.socketpair()
    with one, two:
        Channel(one).send(*reply.as_frame())
        frame = Channel(two).receive(10)
    assert frame is not None
    found = Reply.from_frame(*frame)
    assert found == reply
    assert found.parsed is not None
    assert [type(v) for v in found.parsed.meta.values()] == [type(v) for v in meta.values()]
