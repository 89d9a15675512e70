"""Points in arrays: refused exactly where the gate refuses one of them, in its words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import StoreError
from rag.index.batch import Batch, Rows, validate_batch
from rag.index.gate import validate

GOOD = "6e1a3f7c-52f1-5d0e-9d37-0f6c1a5b7e11"
IDS = st.sampled_from([GOOD, GOOD, GOOD, GOOD.upper(), "x", ""])
NUMBER = st.sampled_from([0.5, 1.0, -2.0, 0.0, 1e-7, 7e-7, 1e-6, 1e6, 1e30, math.nan, math.inf]) | st.floats(-2, 2, width=32)
WEIGHT = st.sampled_from([1.0, 0.25, 3.0, 1e300, 1e-300, 0.0, -1.0, math.nan, math.inf])
FEW = st.sampled_from([1.0, 0.25, 3.0])
TERMS = st.integers(0, 3) | st.sampled_from([2**31, 2**32 - 1])
PAYLOADS = st.sampled_from(
    [{"kind": "chunk"}, {"kind": "page", "n": 2**63}, {"kind": "page", "t": "\ud800"}, {"kind": "chunk", "meta": {"a": [1.5, None]}}, {}]
)
SPACES = {"d": 2}


@st.composite
def batches(draw):
    count = draw(st.integers(1, 4))
    dense = {}
    if draw(st.integers(0, 9)):
        width = draw(st.sampled_from([2, 2, 2, 3]))
        rows = draw(st.lists(st.lists(draw(st.sampled_from([FEW, NUMBER])), min_size=width, max_size=width), min_size=count, max_size=count))
        dense[draw(st.sampled_from(["d", "d", "d", "e"]))] = np.array(rows, dtype=np.float32)
    vectors = draw(st.lists(st.lists(TERMS, max_size=3, unique=True).map(sorted) | st.lists(TERMS, max_size=3), min_size=count, max_size=count))
    weights = [draw(st.lists(draw(st.sampled_from([FEW, WEIGHT])), min_size=len(v), max_size=len(v))) for v in vectors]
    flat = [np.array([x for v in rows for x in v], dtype=t) for rows, t in ((vectors, np.uint32), (weights, np.float64))]
    sparse = {draw(st.sampled_from(["s", "s", "s", "t"])): Rows([len(v) for v in vectors], *flat)}
    ids = draw(st.lists(IDS, min_size=count, max_size=count) | st.just([GOOD] * count))
    return Batch(ids, dense, sparse, draw(st.lists(PAYLOADS, min_size=count, max_size=count) | st.just([{"kind": "chunk"}] * count)))


def complaint(check):
    try:
        check()
    except StoreError as error:
        return str(error)
    return None


@settings(max_examples=400)
@given(batches())
def test_a_batch_is_refused_where_one_of_its_points_is_and_for_the_same_reason(batch):
    """The simple definition: every point through the gate, one after the other."""

    def one_by_one():
        for point in batch.points():
            validate(point, SPACES, {"s"})

    assert complaint(lambda: validate_batch(batch, SPACES, {"s"})) == complaint(one_by_one)


def rows(*vectors):
    terms = [t for v in vectors for t in v]
    return Rows([len(v) for v in vectors], np.array(terms, dtype=np.uint32), np.ones(len(terms)))


def test_terms_ascend_within_a_vector_and_start_anew_in_the_next():
    for good in ((rows([5, 9], [1, 2], [], [1])), rows([], [], []), rows([0], [], [0])):
        validate_batch(Batch([GOOD] * len(good.lengths), {}, {"s": good}, [{}] * len(good.lengths)), {}, {"s"})
    for bad in (rows([1], [5, 5]), rows([9, 5], [6]), rows([1, 2], [], [4, 3])):
        with pytest.raises(StoreError, match="not ascending"):
            validate_batch(Batch([GOOD] * len(bad.lengths), {}, {"s": bad}, [{}] * len(bad.lengths)), {}, {"s"})


def test_a_batch_without_points_is_sound():
    validate_batch(Batch([], {"d": np.empty((0, 2), np.float32)}, {"s": rows()}, []), SPACES, {"s"})
