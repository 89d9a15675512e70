"""Freshness over hits: the same mix as that of the retriever of this name, whatever came before."""

from __future__ import annotations

import time

import pytest

from rag.refine.recency import Recency
from rag.retrieve.recency import Recency as OverRetriever
from rag.scores import DAY
from rag.types import Chunk, Document, Hit, Query, Span

NOW = 1_700_006_400  # 2023-11-15T00:00:00Z
AS_OF = "2023-11-15"
AGES = {"new": 0, "week": 7, "month": 30, "year": 365, "future": -3, "unknown": None}
HYBRID = {"use": "weighted", "of": ["bm25", "dense"]}


@pytest.fixture(scope="module")
def index(lab):
    documents = [Document(i, f"common words of {i}", modified=None if age is None else NOW - age * DAY) for i, age in AGES.items()]
    with lab.index(documents, lab.pipeline(HYBRID)) as opened:
        yield opened


@pytest.fixture(scope="module")
def reader(index):
    return index.reader(index.pipeline)


def refined(reader, scores, **fields):
    hits = tuple(Hit(Chunk(i, Span(i, 0, 6), "common", "common"), s, "x") for i, s in scores.items())
    return Recency(as_of=AS_OF, **fields).refine(hits, Query("q"), reader)


def test_the_score_is_the_mix_and_orders_the_hits(reader):
    """Relevance min-max: 1, 0.5, 0; ages 365, 7, 0 at a half-life of 7 days."""
    found = refined(reader, {"year": 8.0, "week": 5.0, "new": 2.0}, weight=0.25, half_life_days=7)
    assert {h.chunk.id: h.score for h in found.hits} == pytest.approx({"year": 0.75 + 0.25 * 0.5 ** (365 / 7), "week": 0.75 * 0.5 + 0.25 * 0.5, "new": 0.25})
    assert [h.chunk.id for h in found.hits] == ["year", "week", "new"]
    assert {h.source for h in found.hits} == {"recency"}


def test_ties_go_by_id_and_the_limit_counts_from_the_best(reader):
    found = refined(reader, {"week": 1.0, "unknown": 1.0, "new": 1.0, "future": 1.0}, weight=0.5, limit=3)
    assert [(h.chunk.id, h.score) for h in found.hits][:2] == [("future", 1.0), ("new", 1.0)]
    assert len(found.hits) == 3


def test_the_trace_has_every_age_and_counts_documents_without_a_time(reader):
    facts = refined(reader, {"unknown": 3.0, "week": 2.0, "new": 1.0}, weight=1).step.facts
    assert facts["age_days"] == [0.0, 7.0, None]
    assert (facts["no_time"], facts["as_of"]) == (1, "2023-11-15T00:00:00Z")


def test_it_agrees_with_the_retriever(index, reader, lab):
    query = Query("common words of week")
    over = lab.pipeline(HYBRID).retrieve
    hits = over.search(query, reader).hits
    expected = OverRetriever(over=over, weight=0.4, half_life_days=30, as_of=AS_OF).search(query, reader).hits
    found = Recency(weight=0.4, half_life_days=30, as_of=AS_OF, limit=100).refine(hits, query, reader).hits
    assert [(h.chunk, h.score) for h in found] == [(h.chunk, h.score) for h in expected]


def test_weight_0_keeps_the_order(reader):
    given = {"year": 9.0, "month": 8.0, "unknown": 7.5, "new": 6.0}
    assert [h.chunk.id for h in refined(reader, given, weight=0).hits] == list(given)


def test_without_a_date_ages_count_to_the_start_of_today(reader):
    before = time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime())
    said = Recency().refine((), Query("q"), reader).step.facts["as_of"]
    assert said in (before, time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime()))


def test_a_date_that_is_none_is_refused():
    with pytest.raises(ValueError, match="as_of: expected a date"):
        Recency(as_of="yesterday")
