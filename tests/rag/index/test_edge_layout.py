"""How a shard is laid out: few segments however large it is, and quantized vectors that only choose whom the vectors themselves rank."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from rag.index.edge import EdgeEngine
from rag.index.edge_layout import config, dense_params, segment_points
from rag.index.engine import Layout, Scope
from rag.index.gate import PointRecord, Sparse

DIMENSION, POINTS = 32, 600
PLAIN = Layout({"d": DIMENSION}, ("s",), True)
QUANTIZED = Layout({"d": DIMENSION}, ("s",), True, "scalar")


@pytest.mark.parametrize(
    ("points", "size", "segments"),
    [(0, 50_000, 1), (20_000, 50_000, 1), (100_000, 50_000, 3), (250_000, 50_000, 6), (250_001, 50_001, 5), (1_000_000, 200_000, 6), (10**7, 2_000_000, 6)],
)
def test_beyond_a_size_segments_grow_and_do_not_become_more(points, size, segments):
    """One more than is filled is allowed, so that a small change is not merged into a large segment at once."""
    assert segment_points(PLAIN, points) == size
    assert config(PLAIN, points).optimizers.default_segment_number == segments


@pytest.mark.parametrize(
    ("points", "size", "most"), [(0, 11_000, 17), (900, 11_000, 1), (22_500, 11_000, 3), (176_000, 11_000, 17), (176_001, 11_001, 16), (10**6, 62_500, 17)]
)
def test_without_a_graph_segments_are_small_so_that_all_processors_compare(points, size, most):
    """Where the points are not known yet, as many are allowed as there may ever be: few must not be merged while more come."""
    for layout in (Layout({"d": DIMENSION}, ()), Layout({"d": DIMENSION}, (), quantization="scalar")):
        assert segment_points(layout, points) == size
        assert config(layout, points).optimizers.default_segment_number == most
    assert segment_points(Layout({}, ("s",)), points) >= 50_000  # keywords alone


def test_exact_search_reads_no_quantized_vector_and_the_graph_looks_at_as_many_as_are_asked_for():
    for layout in (PLAIN, QUANTIZED):
        params = dense_params(layout, 10, True)
        assert params.exact
        assert params.quantization.ignore
    assert dense_params(Layout({"d": DIMENSION}, ()), 10, False).exact  # there is no graph
    scan = dense_params(Layout({"d": DIMENSION}, (), quantization="scalar"), 10, False)
    assert (scan.exact, scan.quantization.ignore, scan.quantization.rescore) == (False, False, True)
    assert dense_params(PLAIN, 10, False).quantization is None
    found = dense_params(QUANTIZED, 10, False)
    assert (found.exact, found.hnsw_ef, found.quantization.ignore, found.quantization.rescore) == (False, 128, False, True)
    assert dense_params(QUANTIZED, 700, False).hnsw_ef == 700


def name(n):
    return str(uuid.UUID(int=n + 1))


@pytest.fixture(scope="module")
def vectors():
    """Rows of very different scale by dimension: one byte a number ranks them wrongly often enough to be seen."""
    rows = np.random.default_rng(0).standard_normal((POINTS, DIMENSION)) * np.geomspace(1, 0.01, DIMENSION)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def built(folder, layout, vectors):
    engine = EdgeEngine.create(folder / "shard", layout, POINTS)
    engine.write([PointRecord(name(n), {"d": v}, {}, {"kind": "chunk"}) for n, v in enumerate(vectors)])
    engine.finish()
    return EdgeEngine.load(folder / "shard", layout)


def quantized_files(folder):
    return sorted(p.name for p in (folder / "shard").rglob("quantized.*"))


def test_quantized_search_returns_the_scores_of_the_vectors_themselves(tmp_path, vectors):
    engine = built(tmp_path, QUANTIZED, vectors)
    assert "quantized.data" in quantized_files(tmp_path)
    found = []
    for query in vectors[::20]:
        scores = vectors @ query
        true = [name(int(n)) for n in np.argsort(-scores, kind="stable")[:10]]
        near = engine.nearest("d", query, 10, Scope(), None, False)
        found.append(len({i for i, _ in near} & set(true)) / 10)
        assert [s for _, s in near] == pytest.approx([float(scores[uuid.UUID(i).int - 1]) for i, _ in near], abs=1e-6)
        assert [i for i, _ in engine.nearest("d", query, 10, Scope(), None, True)] == true
    assert np.mean(found) >= 0.99
    engine.close()


@pytest.mark.parametrize(("before", "after"), [(PLAIN, QUANTIZED), (QUANTIZED, PLAIN)])
def test_a_shard_is_quantized_or_not_as_the_layout_it_is_patched_with_says(tmp_path, vectors, before, after):
    built(tmp_path, before, vectors).close()
    assert bool(quantized_files(tmp_path)) is (before.quantization == "scalar")
    EdgeEngine.patch(tmp_path / "shard", after, POINTS).finish()
    assert bool(quantized_files(tmp_path)) is (after.quantization == "scalar")
    engine = EdgeEngine.load(tmp_path / "shard", after)
    assert engine.count() == POINTS
    assert engine.nearest("d", vectors[3], 1, Scope(), None, False)[0][0] == name(3)
    engine.close()


@pytest.mark.parametrize("quantization", ["none", "scalar"])
def test_what_lies_in_several_segments_is_found_as_in_one(tmp_path, vectors, quantization):
    """Scores, order and idf: a term in two thirds of the points, one in a third, over three segments of which a change left one small."""
    layout = Layout({"d": DIMENSION}, ("s",), quantization=quantization)
    records = [PointRecord(name(n), {"d": v}, {"s": Sparse((1 + n % 3 // 2, 7), (1.0, 0.5))}, {"kind": "chunk"}) for n, v in enumerate(vectors)]
    engine = EdgeEngine.create(tmp_path / "shard", layout, 0)
    for part in (records[:250], records[250:590]):
        engine.write(part)
        engine.rotate(0)
    engine.write(records[590:])
    engine.finish()
    engine = EdgeEngine.load(tmp_path / "shard", layout)
    assert sum(1 for p in (tmp_path / "shard" / "segments").iterdir() if p.is_dir()) >= 3
    one = EdgeEngine.create(tmp_path / "one", layout, POINTS)
    one.write(records)
    one.finish()
    one = EdgeEngine.load(tmp_path / "one", layout)
    for query in vectors[::50]:
        true = [name(int(n)) for n in np.argsort(-(vectors @ query), kind="stable")[:10]]
        assert [i for i, _ in engine.nearest("d", query, 10, Scope(), None, True)] == true
        assert len({i for i, _ in engine.nearest("d", query, 10, Scope(), None, False)} & {*true}) >= 9
    for words in (Sparse((1,), (1.0,)), Sparse((2, 7), (1.0, 1.0))):
        assert engine.nearest("s", words, 20, Scope(), None, True) == one.nearest("s", words, 20, Scope(), None, True)
    engine.close()
    one.close()


@pytest.mark.parametrize("layout", [Layout({"d": DIMENSION}, ()), Layout({"d": DIMENSION}, (), quantization="scalar"), PLAIN])
def test_many_small_changes_leave_few_segments(tmp_path, vectors, layout):
    """Each leaves one more, which the next puts together with others: two are there at the start, the second empty."""
    built(tmp_path, layout, vectors).close()
    for n in range(6):
        engine = EdgeEngine.patch(tmp_path / "shard", layout, POINTS)
        engine.delete([name(n)])
        engine.write([PointRecord(name(n), {"d": vectors[n]}, {}, {"kind": "chunk"})])
        engine.finish()
        assert sum(1 for p in (tmp_path / "shard" / "segments").iterdir() if p.is_dir()) <= 3
    engine = EdgeEngine.load(tmp_path / "shard", layout)
    assert engine.count() == POINTS
    engine.close()
