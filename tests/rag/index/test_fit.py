"""Whether a configuration fits an index: what would be cut or embedded otherwise is refused, what only computes otherwise is not."""

from __future__ import annotations

import pytest

from rag.errors import StoreError
from rag.index.fit import check_fit, check_identity, graph, quantization
from rag.index.manifest import Manifest
from rag.index.prepare import Recipe

BUILT = {"name": "m", "digest": "1", "precision": "float32"}


@pytest.mark.parametrize(
    ("asked", "fits"),
    [(BUILT, True), ({**BUILT, "precision": "bfloat16"}, True), ({**BUILT, "digest": "2"}, False), ({**BUILT, "more": 1}, False), ({"name": "m"}, False)],
)
def test_a_model_is_what_it_is_whatever_precision_it_computes_in(asked, fits):
    if fits:
        check_identity("ix", BUILT, asked)
        return
    with pytest.raises(StoreError, match=r"^ix was embedded with m, the configuration asks for m .*; use the same model, or use `rag migrate"):
        check_identity("ix", BUILT, asked)


@pytest.mark.parametrize(
    ("retrieve", "options", "chunks", "wanted"),
    [
        ("dense", {}, 49_999, False), ("dense", {}, 50_000, True), ("dense", {"exact_below": 0}, 0, True), ("dense", {"search": "exact"}, 10**6, False),
        ("dense", {"search": "hnsw"}, 1, True), ("bm25", {"search": "hnsw"}, 10**6, False),
    ],
)  # fmt: skip
def test_a_graph_is_built_as_told_or_by_size_and_never_without_vectors(lab, retrieve, options, chunks, wanted):
    pipeline = lab.pipeline(retrieve, index=options)
    assert graph(Recipe(pipeline, tuple(pipeline.retrieve.spaces()), lab.runtime, 0.0), chunks) is wanted


@pytest.mark.parametrize(
    ("retrieve", "options", "chunks", "wanted"),
    [
        ("dense", {}, 4_999, "none"), ("dense", {}, 5_000, "scalar"), ("dense", {"quantization": "none"}, 10**6, "none"), ("bm25", {}, 10**6, "none"),
        ("dense", {"quantization": "scalar"}, 1, "scalar"), ("dense", {"search": "hnsw"}, 1, "scalar"), ("dense", {"search": "exact"}, 10**6, "none"),
        ("dense", {"search": "exact", "quantization": "scalar"}, 10**6, "none"), ("bm25", {"quantization": "scalar"}, 10**6, "none"),
    ],
)  # fmt: skip
def test_vectors_are_quantized_as_told_or_by_size_and_never_where_search_is_exact(lab, retrieve, options, chunks, wanted):
    pipeline = lab.pipeline(retrieve, index=options)
    assert quantization(Recipe(pipeline, tuple(pipeline.retrieve.spaces()), lab.runtime, 0.0), chunks) == wanted


def test_chunkers_that_name_a_model_are_held_to_it_but_for_its_precision(lab):
    pipeline = lab.pipeline("bm25", {"use": "fixed", "size": 9})
    with lab.index({"a": "text"}, pipeline) as index:
        manifest = index.manifest
    spaces = pipeline.retrieve.spaces()
    plain = lab.runtime.identities(pipeline.chunk)
    assert manifest.chunker == plain
    check_fit("ix", manifest, pipeline, spaces, lab.runtime)
    other = Manifest(**{**vars(manifest), "chunker": [{"digest": "x"}]})
    with pytest.raises(StoreError, match="cut with another version of the model or tokenizer"):
        check_fit("ix", other, pipeline, spaces, lab.runtime)


def test_another_chunker_is_refused_with_both_in_full(lab):
    pipeline = lab.pipeline("bm25", {"use": "fixed", "size": 9})
    with lab.index({"a": "text"}, pipeline) as index:
        manifest = index.manifest
    other = lab.pipeline("bm25", {"use": "fixed", "size": 10})
    with pytest.raises(
        StoreError, match=r"^ix was cut by chunk: {use: fixed, .*size: 9, .*, the configuration says {use: fixed, .*size: 10, .*; use `rag migrate"
    ):
        check_fit("ix", manifest, other, other.retrieve.spaces(), lab.runtime)
