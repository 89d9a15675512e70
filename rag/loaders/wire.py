"""Frames between this process and the worker: two lengths, a JSON object and bytes over one Unix socket, open files beside them."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

_LENGTHS = struct.Struct("!II")
_CHUNK = 1 << 16
_MOST_FILES = 2
Frame = tuple[dict[str, Any], bytes]


class BadFrame(Exception):
    """What came is no frame, which no working worker sends."""


class Channel:
    """One end of the socket. Nothing is pickled, and a frame over `most` bytes is refused before it is read."""

    def __init__(self, end: socket.socket, most: int = 1 << 32) -> None:
        self._socket = end
        self._buffer = bytearray()
        self._out = bytearray()
        self.most = most

    def send(self, head: Mapping[str, Any], body: bytes = b"", files: Sequence[int] = ()) -> None:
        """Send one frame; the receiver gets descriptors of its own for `files`. Raises `OSError` when nobody is there."""
        self.put(head, body)
        if files:
            sent = socket.send_fds(self._socket, [self._out], files)
            del self._out[:sent]
        self.flush()

    def put(self, head: Mapping[str, Any], body: bytes = b"") -> int:
        """Add one frame to those that `flush` will send; returns how many bytes wait."""
        text = json.dumps(head).encode("ascii")  # escaped, so that halves of surrogate pairs in file names pass
        self._out += _LENGTHS.pack(len(text), len(body))
        self._out += text
        self._out += body
        return len(self._out)

    def flush(self) -> None:
        """Send what waits. Raises `OSError` when nobody is there."""
        self._socket.sendall(self._out)
        self._out.clear()

    def receive(self, timeout: float | None) -> Frame | None:
        """Return the next frame, None at the end. Raises `TimeoutError` after so many seconds without a byte, `BadFrame`."""
        self._socket.settimeout(timeout)
        lengths = self._take(_LENGTHS.size)
        if lengths is None:
            return None
        n, m = _LENGTHS.unpack(lengths)
        if n + m > self.most:
            raise BadFrame(f"a frame of {n + m} bytes")
        text = self._take(n)
        body = self._take(m) if m else b""
        return None if text is None or body is None else (_object(text), bytes(body))

    def receive_files(self) -> tuple[dict[str, Any], list[int]] | None:
        """Return the next frame, which has no bytes, and the files sent with it; None at the end. For the worker alone: it does not read ahead."""
        data, files, _, _ = socket.recv_fds(self._socket, _LENGTHS.size, _MOST_FILES)
        while 0 < len(data) < _LENGTHS.size:
            data += self._socket.recv(_LENGTHS.size - len(data))
        if not data:
            return None
        text = bytearray()
        wanted = _LENGTHS.unpack(data)[0]
        while len(text) < wanted:
            part = self._socket.recv(wanted - len(text))
            if not part:
                return None
            text += part
        return _object(text), files

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def _take(self, size: int) -> bytearray | None:
        """Return `size` bytes; None when the other end is gone before."""
        if len(self._buffer) >= size:
            data = self._buffer[:size]
            del self._buffer[:size]
            return data
        if size > _CHUNK:
            return self._take_large(size)
        while len(self._buffer) < size:
            try:
                part = self._socket.recv(_CHUNK)
            except ConnectionError:
                return None
            if not part:
                return None
            self._buffer += part
        return self._take(size)

    def _take_large(self, size: int) -> bytearray | None:
        data = bytearray(size)
        at = len(self._buffer)
        data[:at] = self._buffer
        self._buffer.clear()
        with memoryview(data) as view:
            while at < size:
                try:
                    n = self._socket.recv_into(view[at:])
                except ConnectionError:
                    return None
                if not n:
                    return None
                at += n
        return data


def _object(text: bytearray) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFrame("not JSON") from None
    if not isinstance(data, dict):
        raise BadFrame("not a JSON object")
    return data
