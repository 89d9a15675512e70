"""Canaries: what comes apart without a byte being missing is noticed when the index is opened."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from rag.errors import StoreError
from rag.index.canaries import COUNT, record, verify
from rag.index.gate import PointRecord
from rag.index.generation import layout
from rag.index.manifest import read_manifest
from rag.index.spaces import space_name
from rag.index.store import Index
from rag.stages import DenseSpace

DENSE = space_name(DenseSpace("hashing-64"))
SIX = {f"{n}.md": f"cat number{n} word{n % 2}" for n in range(6)}


@pytest.fixture(scope="module")
def index(lab):
    with lab.index(SIX) as opened:
        yield opened


def test_an_index_is_sealed_with_canaries_and_sings(index):
    assert len(index.manifest.canaries) == COUNT
    assert all(len(c["found"]) == 2 and len(c["found"][DENSE]) == 3 for c in index.manifest.canaries)
    assert record(index.engine, layout(index.manifest)) == index.manifest.canaries
    verify(index.engine, index.manifest)


def test_with_a_graph_the_graph_is_searched_and_an_older_canary_compares_all_vectors(lab):
    with lab.index(SIX, lab.pipeline(index={"search": "hnsw"})) as index:
        assert [c["exact"] for c in index.manifest.canaries] == [False] * COUNT
        asked, nearest = [], index.engine.nearest
        index.engine.nearest = lambda *a: asked.append(a[-1]) or nearest(*a)
        verify(index.engine, index.manifest)
        assert asked == [True, False] * COUNT  # keywords, then vectors
        older = [{k: v for k, v in c.items() if k != "exact"} for c in index.manifest.canaries]
        asked.clear()
        verify(index.engine, replace(index.manifest, canaries=older))
        assert asked == [True, True] * COUNT


def changed(index, change):
    canaries = copy.deepcopy(index.manifest.canaries)
    change(canaries[1])
    return replace(index.manifest, canaries=canaries)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(id="00000000-0000-0000-0000-000000000000"), "has another payload than when the index was sealed"),
        (lambda c: c.update(payload="0" * 32), "has another payload"),
        (lambda c: c["found"][DENSE].__setitem__(0, 0.5), f"a search of {DENSE} .* scores"),
        (lambda c: c["found"][DENSE].pop(), "scores"),
        (lambda c: c["found"][next(iter(c["terms"]))].__setitem__(0, c["found"][next(iter(c["terms"]))][0] * 1.001), "a search of bm25-"),
    ],
)
def test_a_canary_that_sings_otherwise_is_an_error(index, change, words):
    with pytest.raises(StoreError, match=words):
        verify(index.engine, changed(index, change))


def test_scores_may_differ_by_rounding(index):
    verify(index.engine, changed(index, lambda c: c["found"][DENSE].__setitem__(0, c["found"][DENSE][0] * (1 + 1e-6))))


@pytest.mark.parametrize("what", ["vector", "payload", "weights"])
def test_a_point_that_was_altered_is_noticed_at_opening(lab, what):
    path = lab.folder()
    lab.build(path, lab.pipeline(), SIX)
    canaries = read_manifest(path / lab.live(path)).canaries
    i = canaries[0]["id"]

    def alter(engine):
        vector, payload = engine.vectors(DENSE, [i])[i], engine.payloads([i])[i]
        sparse = next(n for n in engine.layout.sparse)
        terms = engine.terms(sparse, i)
        from rag.index.gate import Sparse

        vector = np.roll(vector, 1) if what == "vector" else vector
        payload = {**payload, "start": 1} if what == "payload" else payload
        engine.write([PointRecord(i, {DENSE: vector}, {sparse: Sparse(tuple(terms), tuple(1.0 if what != "weights" else 0.7 for _ in terms))}, payload)])

    lab.tamper(path, alter)
    lab.reseal(path, lambda m: m.update(canaries=canaries))
    with pytest.raises(StoreError, match=f"canary {i}|for canary"):
        Index.open(path, lab.runtime)


def test_an_index_without_chunks_has_none(lab):
    with lab.index({}) as index:
        assert index.manifest.canaries == []
