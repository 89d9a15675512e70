"""Batches hold every item once, in order, and stay within points and bytes."""

from __future__ import annotations

import itertools
import json
import uuid

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag.index.gate import PointRecord, Sparse
from rag.index.server import _native
from rag.index.server_batch import batches, point_bytes


@given(st.lists(st.integers(0, 12), max_size=60), st.integers(1, 7), st.integers(1, 20))
def test_batches_hold_every_item_once_within_both_limits(sizes, most, limit):
    items = list(enumerate(sizes))
    found = list(batches(items, lambda item: item[1], most, limit))
    assert [i for batch in found for i in batch] == items
    for batch in found:
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or sum(size for _, size in batch) <= limit
    for batch, after in itertools.pairwise(found):  # none is cut short without need
        assert len(batch) == most or sum(size for _, size in batch) + after[0][1] > limit


@given(
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=8),
    st.dictionaries(st.integers(0, 2**32 - 1), st.floats(min_value=1e-30, max_value=1e30), max_size=5),
    st.dictionaries(st.text(max_size=5), st.text(max_size=50) | st.integers(-(2**63), 2**63 - 1) | st.lists(st.text(max_size=9), max_size=3), max_size=4),
)
def test_a_point_takes_no_more_bytes_in_a_request_than_it_is_counted_with(dense, sparse, payload):
    terms = Sparse(tuple(sparse), tuple(sparse.values()))
    point = PointRecord(str(uuid.UUID(int=1)), {"dense-123456789012": np.array(dense, dtype=np.float32)}, {"bm25-123456789012": terms}, payload)
    sent = json.dumps(_native(point).model_dump(), ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert len(sent) <= point_bytes(point)
