"""Framed streams of JSON headers with raw bytes behind them: what the builder spools to disk and sends to the writer process."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np

from rag.errors import StoreError
from rag.index.gate import PointRecord, Sparse

_HEAD = struct.Struct("<II")  # bytes of the header, number of blobs
_SIZE = struct.Struct("<Q")
Frame = tuple[dict[str, Any], list[bytes]]


def put(stream: BinaryIO, header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
    """Write one frame."""
    head = json.dumps(header).encode("ascii")
    stream.write(_HEAD.pack(len(head), len(blobs)) + head)
    for blob in blobs:
        stream.write(_SIZE.pack(len(blob)))
        stream.write(blob)


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


def put_points(stream: BinaryIO, points: Sequence[PointRecord]) -> None:
    """Write points that all have vectors in the same dense spaces as one frame `write`."""
    dense = sorted(points[0].dense) if points else []
    sparse = sorted({name for p in points for name in p.sparse})
    blobs = [np.stack([p.dense[name] for p in points]).astype("<f4", copy=False).tobytes() for name in dense]
    lengths = {}
    for name in sparse:
        rows = [p.sparse.get(name) for p in points]
        lengths[name] = [len(r.indices) if r else 0 for r in rows]
        blobs += pack(rows)
    header = {"do": "write", "ids": [p.id for p in points], "payloads": [dict(p.payload) for p in points], "dense": dense, "sparse": lengths}
    put(stream, header, blobs)


def pack(rows: Sequence[Sparse | None]) -> list[bytes]:
    """Return the indices of sparse vectors, one after the other, and their values."""
    indices = np.fromiter((i for r in rows if r for i in r.indices), dtype="<u4")
    values = np.fromiter((v for r in rows if r for v in r.values), dtype="<f8")
    return [indices.tobytes(), values.tobytes()]


def unpack(lengths: Sequence[int], indices: bytes, values: bytes) -> list[Sparse | None]:
    """Return the sparse vectors that `pack` was given."""
    i, v = np.frombuffer(indices, dtype="<u4").tolist(), np.frombuffer(values, dtype="<f8").tolist()
    found: list[Sparse | None] = []
    at = 0
    for n in lengths:
        found.append(Sparse(tuple(i[at : at + n]), tuple(v[at : at + n])) if n else None)
        at += n
    return found


def points(header: Mapping[str, Any], blobs: Sequence[bytes]) -> list[PointRecord]:
    """Return the points of a frame `write`."""
    ids, count = header["ids"], len(header["ids"])
    dense = {name: np.frombuffer(blobs[n], dtype="<f4").reshape(count, -1) for n, name in enumerate(header["dense"])}
    at = len(dense)
    sparse = {}
    for name, lengths in header["sparse"].items():
        sparse[name] = unpack(lengths, blobs[at], blobs[at + 1])
        at += 2
    made = []
    for row in range(count):
        weights = {name: w for name, rows in sparse.items() if (w := rows[row]) is not None}
        made.append(PointRecord(ids[row], {name: v[row] for name, v in dense.items()}, weights, header["payloads"][row]))
    return made
