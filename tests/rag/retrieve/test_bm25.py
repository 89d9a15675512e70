"""BM25 over the engine equals the formula written out in plain Python, whatever else the index held or holds."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.index.store import Index
from rag.retrieve.bm25 import Bm25
from rag.text import analyzer
from rag.types import Document

WORDS = ["cat", "cats", "dog", "bird", "retrieval", "ranking", "the", "of", "日本語", "👍", "fish"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=15).map(" ".join)


def plain_bm25(texts, query, k1, b, language="english"):
    """Return the BM25 score of every text that shares a term: idf = ln(1 + (N - n + .5) / (n + .5)), over texts that have terms."""
    docs = {i: Counter(analyzer(language).terms(t)) for i, t in texts.items()}
    docs = {i: d for i, d in docs.items() if d}
    mean = sum(sum(d.values()) for d in docs.values()) / max(1, len(docs))
    average = 2 ** (round(16 * math.log2(mean)) / 16) if mean else 1.0
    scores = {}
    for i, d in docs.items():
        score, length = 0.0, sum(d.values())
        for term in analyzer(language).terms(query):
            n = sum(term in other for other in docs.values())
            idf = math.log(1 + (len(docs) - n + 0.5) / (n + 0.5))
            score += idf * d[term] * (k1 + 1) / (d[term] + k1 * (1 - b + b * length / average))
        if any(term in d for term in analyzer(language).terms(query)):
            scores[i] = score
    return scores


def found(pipeline, index, query, **more):
    return {h.chunk.span.doc_id: h.score for h in pipeline.search(index, query, **more)[0]}


CORPUS = {
    "a.md": "The cat sat on the mat; the cat slept.", "b.md": "Dogs chase cats and cats chase birds, always.", "c.md": "Ranking of retrieval results",
    "d.md": "the of and", "e.md": "👍 👍", "f.md": "日本語の検索 and cats", "g.md": "cat " * 40,
}  # fmt: skip
QUERIES = ["cat", "cats chase", "retrieval ranking retrieval", "日本語", "the cat of the birds", "mat cat mat mat"]


@pytest.mark.parametrize(("k1", "b", "language"), [(1.2, 0.75, "english"), (0.4, 0.0, "english"), (3.0, 1.0, "english"), (1.2, 0.75, "none")])
def test_scores_are_those_of_the_formula(lab, k1, b, language):
    pipeline = lab.pipeline({"use": "bm25", "k1": k1, "b": b, "language": language})
    with lab.index(CORPUS, pipeline) as index:
        for query in QUERIES:
            assert found(pipeline, index, query) == pytest.approx(plain_bm25(CORPUS, query, k1, b, language), abs=1e-5), query


def test_deleted_and_edited_documents_do_not_bend_the_scores(lab):
    pipeline, path = lab.pipeline("bm25"), lab.folder()
    noise = {f"noise{n}.md": "cat chase retrieval " * 5 for n in range(30)}
    lab.build(path, pipeline, {**CORPUS, **noise, "a.md": "something else about a cat"})
    lab.build(path, pipeline, CORPUS)
    with Index.open(path, lab.runtime) as index:
        for query in QUERIES:
            assert found(pipeline, index, query) == pytest.approx(plain_bm25(CORPUS, query, 1.2, 0.75), abs=1e-5), query


def test_other_tenants_do_not_bend_the_scores(lab):
    pipeline = lab.pipeline("bm25", index={"tenant_key": "t"})
    own = [Document(i, t, {"t": "own"}) for i, t in CORPUS.items()]
    other = [Document(f"other{n}", "cat chase retrieval and much longer than the texts of the first tenant " * 3, {"t": "other"}) for n in range(30)]
    with lab.index([*own, *other], pipeline) as index:
        for query in QUERIES:
            assert found(pipeline, index, query, tenant="own") == pytest.approx(plain_bm25(CORPUS, query, 1.2, 0.75), abs=1e-5), query


@settings(max_examples=8, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=8), st.lists(TEXTS, min_size=1, max_size=6))
def test_any_small_corpus_scores_as_the_formula_says(lab, texts, queries):
    corpus = {f"{n}.md": t for n, t in enumerate(texts)}
    pipeline = lab.pipeline("bm25")
    with lab.index(corpus, pipeline) as index:
        for query in queries:
            assert found(pipeline, index, query) == pytest.approx(plain_bm25(corpus, query, 1.2, 0.75), abs=1e-5)


def test_a_title_is_found_though_it_is_never_quoted(lab):
    pipeline = lab.pipeline("bm25")
    with lab.index([Document("a.md", "body text", title="Zebra")], pipeline) as index:
        (hit,) = pipeline.search(index, "zebras")[0]
    assert hit.chunk.text == "body text"


def test_the_step_tells_ids_scores_and_number_of_terms(lab):
    pipeline = lab.pipeline("bm25")
    with lab.index(CORPUS, pipeline) as index:
        hits, (step,) = pipeline.search(index, "cat chase cat")
    assert (step.stage, step.use) == ("retrieve", "bm25")
    assert step.facts == {"hits": len(hits), "ids": [h.chunk.id for h in hits], "scores": [h.score for h in hits], "terms": 2}


def test_parameters_out_of_bounds_are_refused():
    for bad in ({"limit": 0}, {"k1": 0.0}, {"b": 1.1}, {"b": -0.1}, {"language": "klingon"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            Bm25(**bad)
