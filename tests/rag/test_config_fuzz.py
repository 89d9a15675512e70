"""The door for configuration under fuzz: nothing but a pipeline or a `ConfigError` of one line, and `dump` is the inverse of `parse`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rag.answer.extractive import Extractive
from rag.chunk.fixed import Fixed
from rag.config import dump, load, parse
from rag.errors import ConfigError
from rag.pack.budget import Budget
from rag.pipeline import IndexOptions, Pipeline
from rag.refine.mmr import Mmr
from rag.refine.parents import Parents
from rag.registry import parts
from rag.retrieve.bm25 import Bm25
from rag.retrieve.dense import Dense
from rag.retrieve.rrf import Rrf
from rag.retrieve.weighted import Weighted
from rag.stages import KINDS


@given(st.one_of(st.text(), st.binary(), st.text(alphabet="chunkretivse:{}[]!&*<>-?|#%'\" \n\t0123.")))
@settings(max_examples=300, deadline=None)
def test_no_text_does_more_than_load_or_be_refused(tmp_path_factory: pytest.TempPathFactory, data: str | bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    try:
        load(path)
    except ConfigError as error:
        assert len(str(error).splitlines()) == 1


WORDS = [
    *{n for kind in KINDS for n in parts(kind.kind)},
    "use",
    "of",
    "limit",
    "size",
    "child",
    "parent",
    "weights",
    "order",
    "model",
    "language",
    "encoder",
    "k1",
]
data = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(WORDS), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text(max_size=5)), inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["chunk", "retrieve", "refine", "pack", "answer", "index", "models"]), data, max_size=7), data, data)
@settings(max_examples=300, deadline=None)
def test_no_data_does_more_than_parse_or_be_refused(body: dict[str, Any], extra: Any, part: Any) -> None:
    for found in (body, extra, {"chunk": "whole", "retrieve": {"use": "rrf", "of": [part]}}, {"chunk": "whole", "retrieve": "bm25", **body}):
        try:
            pipeline = parse(found)
        except ConfigError as error:
            assert len(str(error).splitlines()) == 1
        else:
            assert parse(dump(pipeline)) == pipeline


@given(
    st.integers(1, 999),
    st.integers(0, 999),
    st.floats(0.01, 5),
    st.floats(0, 1),
    st.lists(st.floats(0, 9), min_size=2, max_size=2),
    st.sampled_from(["auto", "exact", "hnsw"]),
)
@settings(deadline=None)
def test_dump_and_parse_are_inverse(size: int, overlap: int, k1: float, b: float, weights: list[float], search: Any) -> None:
    assume(overlap < size and any(weights))
    legs = Weighted(of=(Bm25(k1=k1, b=b), Rrf(of=(Dense(query_prefix="q: "), Bm25()))), weights=tuple(weights))
    pipeline = Pipeline(
        Fixed(size, overlap, "characters"),
        legs,
        (Mmr(balance=b), Parents()),
        Budget(window=size + 16),
        Extractive(near=b),
        IndexOptions(search, size, tenant_key="team"),
    )
    assert parse(dump(pipeline)) == pipeline
    assert parse(json.loads(json.dumps(dump(pipeline)))).chunk_key == pipeline.chunk_key
