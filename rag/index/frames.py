"""Framed streams of JSON headers with raw bytes behind them: what the builder spools to disk and sends to the writer process."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np

from rag.errors import StoreError
from rag.index.batch import Batch, Rows

_HEAD = struct.Struct("<II")  # bytes of the header, number of blobs
_SIZE = struct.Struct("<Q")
Frame = tuple[dict[str, Any], list[bytes]]


def put(stream: BinaryIO, header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
    """Write one frame."""
    stream.writelines(parts(header, blobs))


def parts(header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> list[bytes]:
    """Return the bytes of one frame, in parts that follow one another."""
    head = json.dumps(header).encode("ascii")
    found = [_HEAD.pack(len(head), len(blobs)), head]
    for blob in blobs:
        found += (_SIZE.pack(len(blob)), blob)
    return found


def take(stream: BinaryIO) -> Frame | None:
    """Return the next frame, None at the end of the stream. Raises `StoreError` when it ends inside a frame."""
    head = stream.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise StoreError("a frame is cut short")
    size, count = _HEAD.unpack(head)
    header = json.loads(_exactly(stream, size))
    blobs = [_exactly(stream, _SIZE.unpack(_exactly(stream, _SIZE.size))[0]) for _ in range(count)]
    return header, blobs


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise StoreError("a frame is cut short")
    return data


def frames(stream: BinaryIO) -> Iterator[Frame]:
    """Yield every frame up to the end of the stream."""
    while (frame := take(stream)) is not None:
        yield frame


def unpack(lengths: Sequence[int], indices: bytes, values: bytes) -> Rows:
    """Return the sparse vectors whose terms (32-bit) and weights (64-bit floats) are given one after the other."""
    return Rows(lengths, np.frombuffer(indices, dtype="<u4"), np.frombuffer(values, dtype="<f8"))


def batch(header: Mapping[str, Any], blobs: Sequence[bytes]) -> Batch:
    """Return the points of a frame `write`: the vectors of each dense space, terms and weights of each sparse one, then the payloads as JSON."""
    ids = header["ids"]
    dense = {name: np.frombuffer(blobs[n], dtype="<f4").reshape(len(ids), -1) for n, name in enumerate(header["dense"])}
    sparse = {}
    for at, (name, lengths) in zip(range(len(dense), len(blobs), 2), header["sparse"].items(), strict=False):
        sparse[name] = unpack(lengths, blobs[at], blobs[at + 1])
    return Batch(ids, dense, sparse, json.loads(blobs[-1]))
