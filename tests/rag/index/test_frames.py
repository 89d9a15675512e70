"""Frames: what goes in comes out, and a stream that ends inside one is an error, never a shorter frame."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import StoreError
from rag.index.frames import frames, pack, points, put, put_points, take, unpack
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


@given(st.lists(SPARSE, max_size=5))
def test_sparse_vectors_are_unpacked_as_they_were_packed(rows):
    assert unpack([len(r.indices) if r else 0 for r in rows], *pack(rows)) == rows


@given(st.lists(SPARSE, min_size=1, max_size=4), st.lists(SPARSE, min_size=4, max_size=4))
def test_points_arrive_as_they_were_sent(first, second):
    rng = np.random.default_rng(len(first))
    sent = [
        PointRecord(
            str(n),
            {"b": rng.random(3, dtype=np.float32), "a": rng.random(2, dtype=np.float32)},
            {k: w for k, w in (("s", s), ("t", second[n])) if w},
            {"n": n, "t": "é"},
        )
        for n, s in enumerate(first)
    ]
    stream = io.BytesIO()
    put_points(stream, sent)
    stream.seek(0)
    frame = take(stream)
    assert frame is not None
    got = points(*frame)
    assert [(p.id, dict(p.sparse), p.payload) for p in got] == [(p.id, dict(p.sparse), p.payload) for p in sent]
    for a, b in zip(got, sent, strict=True):
        assert {k: v.tolist() for k, v in a.dense.items()} == {k: v.tolist() for k, v in b.dense.items()}


def test_points_without_vectors_are_points():
    stream = io.BytesIO()
    put_points(stream, [PointRecord("p", {}, {}, {"kind": "page"})])
    stream.seek(0)
    frame = take(stream)
    assert frame is not None
    assert points(*frame) == [PointRecord("p", {}, {}, {"kind": "page"})]
