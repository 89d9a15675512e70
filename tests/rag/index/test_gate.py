"""What the engine accepts and should not (research, engine.md 3.3) is refused by name before it gets there."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from rag.errors import StoreError
from rag.index.gate import MAX_DEPTH, MAX_PAYLOAD_BYTES, PointRecord, Sparse, validate

ID = "0b7e1f5e-52f1-5d0e-9d37-0f6c1a5b7e11"
GOOD = PointRecord(ID, {"d": np.array([0.6, 0.8, 0.0], dtype=np.float32)}, {"s": Sparse((1, 5), (0.5, 2.0))}, {"kind": "chunk", "doc": "a.md"})


def check(point):
    validate(point, {"d": 3}, ("s",))


def vector(*values, dtype=np.float32):
    return replace(GOOD, dense={"d": np.array(values, dtype=dtype)})


def nested(depth):
    value: object = 1
    for _ in range(depth):
        value = {"x": value}
    return value


def test_a_good_point_passes():
    check(GOOD)
    check(replace(GOOD, sparse={}))  # a chunk without terms
    check(replace(GOOD, dense={}, sparse={}, payload={"kind": "page"}))  # a page has no vectors


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [0, 2])
def test_a_dense_value_that_is_not_finite_is_refused(bad, at):
    values = [0.6, 0.8, 0.0]
    values[at] = bad
    with pytest.raises(StoreError, match=f"{ID}.*'d' is not finite"):
        check(vector(*values))


@pytest.mark.parametrize("values", [(0, 0, 0), (1e-7, 0, 0), (1e30, 0, 0), (3e38, 3e38, 3e38)])
def test_a_vector_whose_norm_is_lost_or_overflows_in_a_dot_product_is_refused(values):
    with pytest.raises(StoreError, match="'d' is not finite and non-zero"):
        check(vector(*values))


def test_a_vector_of_another_shape_or_type_or_name_is_refused():
    with pytest.raises(StoreError, match=r"shape \(2,\), expected float32 of \(3,\)"):
        check(vector(1, 0))
    with pytest.raises(StoreError, match="is float64"):
        check(vector(1, 0, 0, dtype=np.float64))
    with pytest.raises(StoreError, match="'e' is of no space"):
        check(replace(GOOD, dense={**GOOD.dense, "e": GOOD.dense["d"]}))


def test_a_chunk_without_a_dense_vector_is_refused_because_it_could_never_be_found():
    with pytest.raises(StoreError, match="without a vector 'd'"):
        check(replace(GOOD, dense={}))


@pytest.mark.parametrize(
    ("sparse", "fault"),
    [
        (Sparse((1, 2), (1.0,)), "2 indices and 1 values"),  # bricks a shard for ever
        (Sparse((1,), (1.0, 2.0)), "1 indices and 2 values"),
        (Sparse((), ()), "0 indices"),
        (Sparse((2, 1), (1.0, 1.0)), "ascending"),
        (Sparse((1, 1), (1.0, 1.0)), "ascending"),
        (Sparse((-1, 1), (1.0, 1.0)), "ascending 32-bit"),
        (Sparse((1, 2**32), (1.0, 1.0)), "ascending 32-bit"),
        (Sparse((1, 2**70, 3), (1.0, 1.0, 1.0)), "ascending 32-bit"),
        (Sparse((True, 2), (1.0, 1.0)), "ascending 32-bit"),
        (Sparse((0.5, 1), (1.0, 1.0)), "ascending 32-bit"),  # type: ignore[arg-type]  # that is the test
        (Sparse((1,), (math.nan,)), "finite and positive"),
        (Sparse((1,), (math.inf,)), "finite and positive"),
        (Sparse((1,), (1e300,)), "finite and positive"),  # infinite once it is a float32
        (Sparse((1,), (1e-60,)), "finite and positive"),  # zero once it is a float32
        (Sparse((1,), (-1.0,)), "finite and positive"),
        (Sparse((1,), (0.0,)), "finite and positive"),
    ],
)
def test_a_malformed_sparse_vector_is_refused(sparse, fault):
    with pytest.raises(StoreError, match=f"{ID}: sparse vector 's'.*{fault}"):
        check(replace(GOOD, sparse={"s": sparse}))


def test_a_sparse_vector_of_no_space_is_refused():
    with pytest.raises(StoreError, match="'t' is of no space"):
        check(replace(GOOD, sparse={"t": Sparse((1,), (1.0,))}))


def test_the_whole_range_of_term_ids_passes():
    check(replace(GOOD, sparse={"s": Sparse((0, 2**32 - 1), (1e-30, 1e30))}))


@pytest.mark.parametrize("id_", [True, 1, "a.md", "", ID.upper(), ID.replace("-", ""), ID + "\n", None])
def test_an_id_that_is_not_a_canonical_uuid_is_refused(id_):
    with pytest.raises(StoreError, match="not a UUID"):
        check(replace(GOOD, id=id_))


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (math.nan, "not finite"),
        (math.inf, "not finite"),
        (2**63, "64 bits"),  # stored as a float in silence
        (-(2**63) - 1, "64 bits"),
        (b"bytes", "bytes"),
        ({1: "x"}, "key that is not text"),
        ({"\ud800": 1}, "lone surrogate"),
        ("\ud800", "lone surrogate"),
        (["ok", "\udfff"], "lone surrogate"),
        ({"a": {"b": object()}}, "object"),
        (nested(MAX_DEPTH), "nested more than 16"),  # at 124 the shard cannot be opened after a crash
    ],
)
def test_a_payload_the_engine_would_alter_or_choke_on_is_refused(value, fault):
    with pytest.raises(StoreError, match=f"{ID}: .*{fault}"):
        check(replace(GOOD, payload={"meta": value}))


def test_payload_limits_hold_exactly():
    check(replace(GOOD, payload={"x": nested(MAX_DEPTH - 1)}))
    check(replace(GOOD, payload={"x": "y" * (MAX_PAYLOAD_BYTES - 1)}))
    with pytest.raises(StoreError, match="payload of 262145 bytes"):
        check(replace(GOOD, payload={"x": "y" * MAX_PAYLOAD_BYTES}))
    with pytest.raises(StoreError, match="payload of"):
        check(replace(GOOD, payload={"k" * MAX_PAYLOAD_BYTES: 1}))
    with pytest.raises(StoreError, match="payload of"):
        check(replace(GOOD, payload={"x": [{"y": "ä" * (MAX_PAYLOAD_BYTES // 2)}]}))


def test_what_round_trips_exactly_passes():
    check(replace(GOOD, payload={"": None, "a": True, "b": -(2**63), "c": 2**63 - 1, "d": 1e308, "e": ("x", "\0", "👍"), "f": {}}))
