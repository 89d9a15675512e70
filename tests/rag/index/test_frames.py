"""Frames: what goes in comes out, and a stream that ends inside one is an error, never a shorter frame."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import StoreError
from rag.index.frames import batch, frames, put, take, unpack
from rag.index.gate import PointRecord, Sparse

TEXT = st.text(st.characters(codec=None), max_size=5)  # lone surrogates included: sources have them
HEADERS = st.dictionaries(TEXT, TEXT | st.integers() | st.floats(allow_nan=False) | st.lists(TEXT | st.none(), max_size=3), max_size=3)
SPARSE = st.dictionaries(st.integers(0, 2**32 - 1), st.floats(1e-6, 100), max_size=4).map(
    lambda d: Sparse(tuple(sorted(d)), tuple(d[k] for k in sorted(d))) if d else None
)


@given(st.lists(st.tuples(HEADERS, st.lists(st.binary(max_size=9), max_size=3)), max_size=4))
def test_frames_are_read_as_they_were_written(written):
    stream = io.BytesIO()
    for header, blobs in written:
        put(stream, header, blobs)
    stream.seek(0)
    assert list(frames(stream)) == written


def test_a_stream_cut_anywhere_inside_a_frame_is_an_error():
    stream = io.BytesIO()
    put(stream, {"do": "write"}, [b"four", b"", b"x"])
    whole = stream.getvalue()
    assert take(io.BytesIO(b"")) is None
    for at in range(1, len(whole)):
        with pytest.raises(StoreError, match="a frame is cut short"):
            take(io.BytesIO(whole[:at]))


def written(points):
    """Return the frame that holds points, as it is read from a stream."""
    dense = sorted(points[0].dense)
    sparse = sorted({name for p in points for name in p.sparse})
    blobs = [np.stack([p.dense[name] for p in points]).astype("<f4").tobytes() for name in dense]
    lengths = {}
    for name in sparse:
        rows = [p.sparse.get(name, Sparse((), ())) for p in points]
        lengths[name] = [len(r.indices) for r in rows]
        blobs += [np.array([i for r in rows for i in r.indices], "<u4").tobytes(), np.array([v for r in rows for v in r.values], "<f8").tobytes()]
    blobs.append(json.dumps([dict(p.payload) for p in points]).encode("ascii"))
    stream = io.BytesIO()
    put(stream, {"ids": [p.id for p in points], "dense": dense, "sparse": lengths}, blobs)
    stream.seek(0)
    frame = take(stream)
    assert frame is not None
    return frame


@given(st.lists(SPARSE, min_size=1, max_size=4), st.lists(SPARSE, min_size=4, max_size=4))
def test_points_arrive_as_they_were_sent(first, second):
    rng = np.random.default_rng(len(first))
    sent = [
        PointRecord(
            str(n),
            {"b": rng.random(3, dtype=np.float32), "a": rng.random(2, dtype=np.float32)},
            {k: w for k, w in (("s", s), ("t", second[n])) if w},
            {"n": n, "t": "\u00e9"},
        )
        for n, s in enumerate(first)
    ]
    got = batch(*written(sent)).points()
    assert [(p.id, dict(p.sparse), p.payload) for p in got] == [(p.id, dict(p.sparse), p.payload) for p in sent]
    for a, b in zip(got, sent, strict=True):
        assert {k: v.tolist() for k, v in a.dense.items()} == {k: v.tolist() for k, v in b.dense.items()}


def test_points_without_vectors_are_points():
    sent = [PointRecord("p", {}, {}, {"kind": "page"})]
    assert batch(*written(sent)).points() == sent


@given(st.lists(SPARSE, max_size=5))
def test_sparse_vectors_are_unpacked_one_by_one(rows):
    found = unpack(
        [len(r.indices) if r else 0 for r in rows],
        np.array([i for r in rows if r for i in r.indices], "<u4").tobytes(),
        np.array([v for r in rows if r for v in r.values], "<f8").tobytes(),
    )
    assert list(found.vectors()) == [(list(r.indices), list(r.values)) if r else ([], []) for r in rows]
