"""Vector search is the cosine between embeddings, by brute force; prefixes and passages go where they belong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.models.hashing import HashingEncoder
from rag.types import Document, Query

WORDS = ["cat", "dog", "bird", "retrieval", "fish", "mat", "tree"]
CORPUS = {f"{n:02}.md": " ".join(WORDS[i % 7] for i in range(n, n + 1 + n % 5)) + f" number{n % 11}" for n in range(60)}
ENCODER = HashingEncoder(64)


@pytest.fixture(scope="module")
def index(lab):
    with lab.index(CORPUS, lab.pipeline("dense")) as opened:
        yield opened


def brute_force(index, vector, limit):
    chunks = list(index.reader(index.pipeline).all_chunks())
    scores = ENCODER.encode([c.index_text for c in chunks]) @ vector
    order = sorted(range(len(chunks)), key=lambda i: (-scores[i], chunks[i].id))[:limit]
    return {chunks[i].id: float(scores[i]) for i in order}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), st.integers(1, 70))
def test_search_is_brute_force_over_embeddings(lab, index, query, limit):
    hits, _ = lab.pipeline({"use": "dense", "limit": limit}).search(index, query)
    expected = brute_force(index, ENCODER.encode([query])[0], limit)
    assert [h.score for h in hits] == pytest.approx(list(expected.values()), abs=1e-5)
    edge = min(expected.values())  # at the last score, texts that tie but for rounding may change places
    assert {h.chunk.id for h in hits if h.score > edge + 1e-5} == {i for i, s in expected.items() if s > edge + 1e-5}


def test_a_text_finds_itself_first_with_cosine_one(lab, index):
    for text in list(CORPUS.values())[::7]:
        assert lab.pipeline("dense").search(index, text)[0][0].score == pytest.approx(1.0, abs=1e-5)


def test_passages_stand_in_for_the_text_by_their_mean(lab, index):
    reader = index.reader(index.pipeline)
    found = index.pipeline.retrieve.search(Query("ignored words", passages=("cat mat", " ", "dog tree")), reader)
    mean = ENCODER.encode(["cat mat", "dog tree"]).mean(axis=0)
    expected = brute_force(index, mean / np.linalg.norm(mean), 100)
    assert {h.chunk.id: h.score for h in found.hits} == pytest.approx(expected, abs=1e-5)
    assert found.step.facts["texts"] == 2


def test_prefixes_are_embedded_with_query_and_passage_and_never_shown(lab):
    use = {"use": "dense", "query_prefix": "cat ", "passage_prefix": "dog "}
    pipeline = lab.pipeline(use)
    with lab.index({"a.md": "bird"}, pipeline) as index:
        (hit,) = pipeline.search(index, "fish")[0]
        by_passage = pipeline.retrieve.search(Query("x", passages=("bird",)), index.reader(pipeline)).hits[0].score
    assert hit.chunk.index_text == "bird"
    query, passage = ENCODER.encode(["cat fish", "dog bird"])
    assert hit.score == pytest.approx(float(query @ passage), abs=1e-5)
    assert by_passage == pytest.approx(1.0, abs=1e-5)


def test_the_title_is_embedded_with_the_text(lab):
    pipeline = lab.pipeline("dense")
    with lab.index([Document("a.md", "bird", title="Cat")], pipeline) as index:
        assert pipeline.search(index, "cat bird")[0][0].score == pytest.approx(1.0, abs=1e-5)


def test_a_query_embedded_once_is_remembered(lab, index):
    pipeline = lab.pipeline("dense")
    pipeline.search(index, "fish mat once")
    encodes = lab.runtime.work.encodes
    pipeline.search(index, "fish mat once")
    assert lab.runtime.work.encodes == encodes


@pytest.mark.parametrize("query", ["", " ", "\n\t\u2003"])
def test_a_blank_query_finds_nothing_and_embeds_nothing(lab, index, query):
    encodes = lab.runtime.work.encodes
    assert lab.pipeline("dense").search(index, query)[0] == ()
    assert lab.runtime.work.encodes == encodes
