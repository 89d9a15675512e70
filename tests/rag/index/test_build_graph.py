"""The graph over vectors: built above a size, switched both ways, nearly as good as comparing all."""

from __future__ import annotations

import numpy as np
import pytest

from rag.index.store import Index

THREE = {"a.md": "the cat sat on the mat", "b.md": "dogs bark at cats", "c.md": "a bird sings"}


CLUSTERED = {f"{n:04}.md": f"word{n % 97} word{n % 61} word{n % 31} word{n % 13} number{n}" for n in range(2000)}


def test_the_graph_is_built_above_a_size_switched_both_ways_and_nearly_as_good_as_comparing_all(lab):
    path = lab.folder()
    small = lab.pipeline({"use": "dense", "limit": 10}, index={"exact_below": 2001})
    large = lab.pipeline({"use": "dense", "limit": 10}, index={"exact_below": 2000})
    lab.build(path, small, CLUSTERED)
    with Index.open(path, lab.runtime) as index:
        assert not index.manifest.hnsw
        assert index.reader(small).exact
        content = index.manifest.content
    report = lab.build(path, large, CLUSTERED)
    assert lab.counts(report) == lab.expect(unchanged=2000)
    with Index.open(path, lab.runtime) as index:
        assert index.manifest.hnsw
        assert index.manifest.content == content  # the graph changes how is searched, not what is there
        assert not index.reader(large).exact
        found = []
        for n in range(0, 2000, 50):
            query = f"word{n % 97} word{n % 61} number{n + 1}"
            true, near = (large.search(index, query, exact=e)[0] for e in (True, False))
            found.append(len({h.chunk.id for h in true} & {h.chunk.id for h in near}) / 10)
        assert np.mean(found) >= 0.95
        forced = lab.pipeline({"use": "dense", "limit": 10}, index={"search": "exact"})
        assert index.reader(forced).exact
    assert lab.counts(lab.build(path, forced, CLUSTERED)) == lab.expect(unchanged=2000)
    with Index.open(path, lab.runtime) as index:
        assert not index.manifest.hnsw


def test_quantization_is_switched_both_ways_without_a_changed_document_and_recorded(lab):
    path = lab.folder()
    texts = {k: CLUSTERED[k] for k in sorted(CLUSTERED)[:300]}
    for wanted in ("none", "scalar", "none"):
        pipeline = lab.pipeline({"use": "dense", "limit": 10}, index={"search": "hnsw", "quantization": wanted})
        report = lab.build(path, pipeline, texts)
        assert report.added + report.unchanged == 300
        with Index.open(path, lab.runtime) as index:
            assert index.manifest.quantization == index.engine.layout.quantization == wanted
            assert any(name.endswith("quantized.data") for name in index.manifest.files) is (wanted == "scalar")
            true, near = (pipeline.search(index, "word5 word7 number6", exact=e)[0] for e in (True, False))
            assert {h.chunk.id: h.score for h in near} == pytest.approx({h.chunk.id: h.score for h in true}, abs=1e-6)


def test_an_index_from_before_quantization_stays_as_it_is_until_it_changes(lab):
    path = lab.folder()
    plain, auto = (lab.pipeline("dense", index={"search": "hnsw", "quantization": q}) for q in ("none", "auto"))
    lab.build(path, plain, THREE)
    with Index.open(path, lab.runtime) as index:
        before = index.generation
    assert lab.counts(lab.build(path, auto, THREE)) == lab.expect(unchanged=3)
    with Index.open(path, lab.runtime) as index:
        assert (index.generation, index.manifest.quantization) == (before, "none")
    lab.build(path, auto, {**THREE, "d.md": "a fish swims"})
    with Index.open(path, lab.runtime) as index:
        assert index.manifest.quantization == "scalar"
        assert len(auto.search(index, "fish")[0]) == 4


def test_the_graph_can_be_forced_on_a_small_index_and_needs_vectors(lab):
    with lab.index(THREE, lab.pipeline(index={"search": "hnsw"})) as index:
        assert index.manifest.hnsw
        assert index.pipeline.search(index, "cat")[0]
    with lab.index(THREE, lab.pipeline("bm25", index={"search": "hnsw"})) as index:
        assert not index.manifest.hnsw


def test_quantized_vectors_without_a_graph_find_what_comparing_all_finds_with_the_same_scores(lab):
    path, dense = lab.folder(), {"use": "dense", "limit": 10}
    pipeline = lab.pipeline(dense, index={"quantization": "scalar"})
    lab.build(path, pipeline, CLUSTERED)
    with Index.open(path, lab.runtime) as index:
        assert (index.manifest.hnsw, index.manifest.quantization) == (False, "scalar")
        assert not index.reader(pipeline).exact
        assert index.reader(lab.pipeline(dense, index={"search": "exact"})).exact
        held = asked = 0
        for n in range(40):
            near, all_ = ({h.chunk.id: h.score for h in pipeline.search(index, f"word{n} number{n}", exact=e)[0]} for e in (None, True))
            assert all(score == all_[i] for i, score in near.items() if i in all_)
            held, asked = held + len(near.keys() & all_.keys()), asked + len(all_)
    assert held / asked > 0.99
