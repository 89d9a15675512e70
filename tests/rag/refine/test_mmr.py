"""Maximal marginal relevance: an example by hand, its two ends, and that it only reorders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.refine.mmr import Mmr, select
from rag.types import Chunk, Hit, Query, Span


def unit(*rows):
    found = np.array(rows, dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_by_hand():
    """Relevance 1, .8, 0. After row 0: row 1, its near copy, gains .5 * .8 - .5 * 1 = -.1; row 2, at a right angle, 0."""
    chosen = select(np.array([10.0, 9.0, 5.0]), unit((1, 0), (1, 0), (0, 1)), 0.5, 3)
    assert chosen == [(0, pytest.approx(0.5)), (2, pytest.approx(0.0)), (1, pytest.approx(-0.1))]


def test_similarity_is_to_the_nearest_of_those_chosen():
    """The third row lies at cosine .6 to the first and .8 to the second: .8 counts."""
    chosen = select(np.array([3.0, 2.0, 1.0]), unit((1, 0), (0, 1), (0.6, 0.8)), 0.9, 3)
    assert [i for i, _ in chosen] == [0, 1, 2]
    assert chosen[2][1] == pytest.approx(0.9 * 0 - 0.1 * 0.8)


def test_balance_zero_looks_at_diversity_alone_and_begins_with_the_best_hit():
    chosen = select(np.array([3.0, 2.9, 1.0]), unit((1, 0), (1, 0.1), (0, 1)), 0.0, 3)
    assert [i for i, _ in chosen] == [0, 2, 1]


def test_equal_scores_are_all_relevant_and_ties_go_to_the_earlier():
    chosen = select(np.array([2.0, 2.0, 2.0]), unit((1, 0, 0), (0, 1, 0), (0, 0, 1)), 0.7, 2)
    assert chosen == [(0, pytest.approx(0.7)), (1, pytest.approx(0.7))]


WORDS = st.lists(st.sampled_from(["cat", "dog", "bird", "fish", "tree"]), min_size=1, max_size=4).map(" ".join)


def hits_of(texts, scores):
    ordered = sorted(scores[: len(texts)], reverse=True)
    return tuple(
        Hit(Chunk(f"{n:08x}-0000-5000-8000-000000000000", Span(f"{n}.md", 0, len(t)), t, t), s, "bm25")
        for n, (t, s) in enumerate(zip(texts, ordered, strict=True))
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=10), st.lists(st.floats(-100, 100), min_size=10, max_size=10), st.floats(0, 1), st.integers(1, 12))
def test_laws(lab, reader, texts, scores, balance, limit):
    hits = hits_of(texts, scores)
    found = Mmr(limit, balance, "hashing-64").refine(hits, Query("q"), reader).hits
    chunks = [h.chunk for h in found]
    assert len(found) == min(limit, len(hits))
    assert len({c.id for c in chunks}) == len(chunks)
    assert all(c in [h.chunk for h in hits] for c in chunks)
    assert found[0].chunk == hits[0].chunk
    longer = Mmr(limit + 1, balance, "hashing-64").refine(hits, Query("q"), reader).hits
    assert longer[: len(found)] == found
    assert [h.chunk for h in Mmr(limit, 1.0, "hashing-64").refine(hits, Query("q"), reader).hits] == [h.chunk for h in hits][:limit]


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index({"a.md": "text"}) as index:
        yield index.reader(index.pipeline)


def test_no_hits_load_no_encoder(reader):
    assert Mmr(model="no such model").refine((), Query("q"), reader).hits == ()


def test_the_model_is_that_of_the_pipeline_where_none_is_named(lab):
    assert lab.pipeline(refine=["mmr"]).refine[0].model == "hashing-64"


def test_the_vectors_of_the_index_are_used_where_it_has_them(lab):
    """Nothing is embedded for hits of a dense index, and the choice is that of embedding them."""
    with lab.index({"a.md": "cat dog", "b.md": "cat dog bird", "c.md": "fish"}, lab.pipeline(retrieve={"use": "dense"})) as index:
        pipeline = index.pipeline
        reader = index.reader(pipeline)
        query = Query("cat")
        hits = pipeline.retrieve.search(query, reader).hits
        before = index.runtime.work.encodes
        found = Mmr(3, 0.5, "hashing-64").refine(hits, query, reader).hits
        assert index.runtime.work.encodes == before
        vectors = index.runtime.embed("hashing-64", [h.chunk.index_text for h in hits])
        expected = select(np.array([h.score for h in hits]), vectors, 0.5, 3)
        assert [h.chunk.id for h in found] == [hits[i].chunk.id for i, _ in expected]
