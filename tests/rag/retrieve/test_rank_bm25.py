"""The reference retriever: the package's scores, and those of the fast leg when the idf is made equal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from rag.retrieve.rank_bm25 import RankBm25
from rag.text import analyzer
from rag.types import Document

DATA = Path(__file__).parents[3] / "data"
WORDS = ["cat", "dog", "bird", "retrieval", "ranking", "the", "日本語", "👍", "fish"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=15).map(" ".join)
LEGS = {"use": "rrf", "of": ["bm25", "rank_bm25"]}


def scores(lab, index, use, query, **more):
    return [(h.chunk.id, h.score) for h in lab.pipeline(use, **more).search(index, query)[0]]


def agree(one, other):
    """Same ids and scores; ids of scores that are equal but for rounding may stand in another order."""
    assert [s for _, s in one] == pytest.approx([s for _, s in other], abs=1e-5)
    assert dict(one) == pytest.approx(dict(other), abs=1e-5)


@settings(max_examples=8, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=9), st.lists(TEXTS, min_size=1, max_size=6), st.sampled_from([(1.2, 0.75), (2.0, 0.0), (0.5, 1.0)]))
def test_with_equal_idf_ids_and_scores_are_those_of_the_fast_leg(lab, texts, queries, parameters):
    k1, b = parameters
    fast, plain = {"use": "bm25", "k1": k1, "b": b}, {"use": "rank_bm25", "k1": k1, "b": b, "idf": "lucene"}
    with lab.index({f"{n}.md": t for n, t in enumerate(texts)}, lab.pipeline(fast)) as index:
        for query in queries:
            agree(scores(lab, index, fast, query), scores(lab, index, plain, query))


@pytest.mark.parametrize("idf", ["okapi", "lucene"])
def test_a_chunk_without_terms_is_no_division_by_zero_where_only_length_counts(lab, idf):
    use = {"use": "rank_bm25", "b": 1.0, "idf": idf, "epsilon": 1.0}
    with lab.index({"a.md": "cat", "b.md": "the", "c.md": "dog"}, lab.pipeline(use)) as index:
        assert [h.chunk.span.doc_id for h in lab.pipeline(use).search(index, "cat")[0]] == ["a.md"]


def test_chunks_without_terms_count_neither_in_n_nor_in_the_average(lab):
    corpus = {"a.md": "cat dog bird fish", "b.md": "cat", **{f"blank{n}.md": "the of and" for n in range(20)}}
    with lab.index(corpus, lab.pipeline("bm25")) as index:
        agree(scores(lab, index, "bm25", "cat bird"), scores(lab, index, {"use": "rank_bm25", "idf": "lucene"}, "cat bird"))


def test_okapi_is_the_package_itself(lab):
    texts = {"a.md": "cats and dogs", "b.md": "a dog barks", "c.md": "birds sing of birds", "d.md": "fish", "e.md": "the of"}
    terms = analyzer("english").terms
    package = BM25Okapi([terms(t) for t in texts.values()], k1=1.2, b=0.75, epsilon=0.25)
    with lab.index(texts, lab.pipeline("rank_bm25")) as index:
        hits, _ = lab.pipeline("rank_bm25").search(index, "dogs dogs fish")
        expected = dict(zip(texts, package.get_scores(terms("dogs dogs fish")), strict=True))
        assert {h.chunk.span.doc_id: h.score for h in hits} == pytest.approx({i: expected[i] for i in ("a.md", "b.md", "d.md")})


def test_a_document_that_shares_no_term_is_no_hit_even_where_scores_are_negative(lab):
    """`cat` is in two of three documents: its okapi idf is negative, which epsilon 0 makes 0, and hits may score 0 too."""
    with lab.index({"a.md": "cat one", "b.md": "cat two", "c.md": "bird"}, lab.pipeline("rank_bm25")) as index:
        hits, _ = lab.pipeline({"use": "rank_bm25", "epsilon": 0.0}).search(index, "cat")
    assert {h.chunk.span.doc_id for h in hits} == {"a.md", "b.md"}


def test_an_index_for_this_retriever_alone_needs_no_vectors(lab):
    pipeline = lab.pipeline("rank_bm25")
    with lab.index({"a.md": "cat", "b.md": "dog"}, pipeline) as index:
        assert index.manifest.spaces == {}
        assert [h.chunk.span.doc_id for h in pipeline.search(index, "dogs")[0]] == ["b.md"]


def test_a_corpus_without_terms_finds_nothing(lab):
    with lab.index({"a.md": "the of", "b.md": "👍"}, lab.pipeline("rank_bm25")) as index:
        assert lab.pipeline("rank_bm25").search(index, "cat the")[0] == ()


def test_a_term_repeated_a_hundred_thousand_times_costs_one_look(lab):
    with lab.index({"a.md": "cat dog", "b.md": "bird"}, lab.pipeline(LEGS)) as index:
        once, many = (scores(lab, index, {"use": "rank_bm25", "idf": "lucene"}, "cat " * n) for n in (1, 100_000))
    assert many[0][1] == pytest.approx(100_000 * once[0][1])


def test_parameters_out_of_bounds_are_refused():
    for bad in ({"limit": 0}, {"k1": 0.0}, {"b": 2.0}, {"epsilon": -1.0}, {"language": "x"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            RankBm25(**bad)


@pytest.fixture(scope="module")
def handbook(lab):
    documents = [Document(p.name, p.read_text(encoding="utf-8")) for p in sorted((DATA / "handbook").glob("*.md"))]
    with lab.index(documents, lab.pipeline(LEGS)) as index:
        yield index


@pytest.fixture(scope="module")
def questions():
    return [json.loads(line)["text"] for line in (DATA / "questions.jsonl").read_text(encoding="utf-8").splitlines()]


def test_on_the_handbook_the_top_tens_of_both_idfs_overlap_by_85_percent(lab, handbook, questions):
    overlaps = []
    for question in questions:
        fast, okapi = ({i for i, _ in scores(lab, handbook, {"use": use, "limit": 10}, question)} for use in ("bm25", "rank_bm25"))
        overlaps.append(len(fast & okapi) / max(1, len(fast), len(okapi)))
    assert np.mean(overlaps) >= 0.85


def test_on_the_handbook_scores_agree_where_the_idf_is_equal(lab, handbook, questions):
    for question in questions[::5]:
        agree(scores(lab, handbook, "bm25", question), scores(lab, handbook, {"use": "rank_bm25", "idf": "lucene"}, question))
