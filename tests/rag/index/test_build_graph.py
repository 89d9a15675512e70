"""The graph over vectors: built above a size, switched both ways, nearly as good as comparing all."""

from __future__ import annotations

import numpy as np

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


def test_the_graph_can_be_forced_on_a_small_index_and_needs_vectors(lab):
    with lab.index(THREE, lab.pipeline(index={"search": "hnsw"})) as index:
        assert index.manifest.hnsw
        assert index.pipeline.search(index, "cat")[0]
    with lab.index(THREE, lab.pipeline("bm25", index={"search": "hnsw"})) as index:
        assert not index.manifest.hnsw
