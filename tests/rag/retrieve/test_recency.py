"""Freshness: the score is the stated mix, old documents are left out by the index, unknown times are counted, and a day is a day."""

from __future__ import annotations

import time

import pytest

from rag.retrieve.recency import DAY, Recency
from rag.types import Document, Query

NOW = 1_700_006_400  # 2023-11-15T00:00:00Z
AS_OF = "2023-11-15"
AGES = {"new": 0, "week": 7, "month": 30, "year": 365, "future": -3, "unknown": None}


@pytest.fixture(scope="module")
def index(lab):
    documents = [Document(i, f"common words of {i}", modified=None if age is None else NOW - age * DAY) for i, age in AGES.items()]
    with lab.index(documents, lab.pipeline({"use": "rrf", "of": ["bm25", "dense"]})) as opened:
        yield opened


@pytest.fixture(scope="module")
def ids(index):
    return {c.span.doc_id: c.id for c in index.reader(index.pipeline).all_chunks()}


def names(ids, scores):
    return {i: scores[n] for i, n in ids.items() if n in scores}


class TestByHand:
    """`leg` gives scores that the test chooses, as ids of the real chunks."""

    def scored(self, index, ids, leg, scores, **fields):
        spec = Recency(over=leg({ids[i]: s for i, s in scores.items()}), as_of=AS_OF, **fields)
        ranking = spec.rank(Query("common words"), index.reader(index.pipeline))
        return ranking, names(ids, dict(ranking.scored))

    def test_the_score_is_the_mix_of_normalised_relevance_and_the_decay_of_age(self, index, ids, leg):
        """Relevance min-max: (8 - 2) / 6 = 1, (5 - 2) / 6 = 0.5, 0; ages 365, 7, 0 at a half-life of 7 days."""
        _, scores = self.scored(index, ids, leg, {"year": 8.0, "week": 5.0, "new": 2.0}, weight=0.25, half_life_days=7)
        assert scores == pytest.approx({"year": 0.75 + 0.25 * 0.5 ** (365 / 7), "week": 0.75 * 0.5 + 0.25 * 0.5, "new": 0.25})

    def test_weight_0_keeps_the_order_and_weight_1_is_age_alone(self, index, ids, leg):
        given = {"year": 9.0, "month": 8.0, "unknown": 7.5, "week": 7.0, "new": 6.0}
        ranking, _ = self.scored(index, ids, leg, given, weight=0)
        assert [i for i, _ in ranking.scored] == [ids[n] for n in given]
        _, scores = self.scored(index, ids, leg, given, weight=1, half_life_days=30)
        assert scores == pytest.approx({"new": 1, "week": 0.5 ** (7 / 30), "month": 0.5, "year": 0.5 ** (365 / 30), "unknown": 0})

    def test_equal_scores_are_all_fully_relevant_and_a_future_time_is_age_0(self, index, ids, leg):
        _, scores = self.scored(index, ids, leg, {"future": 3.0, "new": 3.0, "unknown": 3.0}, weight=0.5)
        assert scores == {"future": 1.0, "new": 1.0, "unknown": 0.5}

    def test_the_trace_has_every_age_and_counts_what_has_none(self, index, ids, leg):
        ranking, _ = self.scored(index, ids, leg, {"unknown": 3.0, "week": 2.0, "new": 1.0}, weight=1)
        assert ranking.step.facts["age_days"] == [0.0, 7.0, None]
        assert (ranking.step.facts["no_time"], ranking.step.facts["as_of"]) == (1, "2023-11-15T00:00:00Z")

    def test_nothing_found_is_nothing(self, index, ids, leg):
        assert self.scored(index, ids, leg, {})[0].scored == ()


@pytest.mark.parametrize(("days", "expected"), [(7, {"new", "week", "future"}), (6.9, {"new", "future"}), (1000, {"new", "week", "month", "year", "future"})])
@pytest.mark.parametrize("over", ["bm25", "dense", "rank_bm25"])
def test_fresh_within_leaves_out_what_is_older_or_has_no_time(lab, index, over, days, expected):
    pipeline = lab.pipeline({"use": "recency", "over": over, "fresh_within": days, "as_of": AS_OF})
    hits, steps = pipeline.search(index, "common words")
    assert {h.chunk.span.doc_id for h in hits} == expected
    assert steps[0].facts["modified_since"] == NOW - days * DAY
    assert {h.chunk.span.doc_id for h in pipeline.search(index, "common words", where="@doc in (week, unknown)")[0]} == expected & {"week"}


def test_fresh_within_is_done_by_the_index_before_the_limit(lab, index):
    pipeline = lab.pipeline({"use": "recency", "over": {"use": "bm25", "limit": 1}, "fresh_within": 1, "as_of": "2023-11-09"})
    assert len(pipeline.search(index, "common words of year")[0]) == 1


def test_left_out_the_date_is_the_start_of_today_in_utc(lab, index):
    pipeline = lab.pipeline({"use": "recency", "over": "bm25"})
    before = time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime())
    said = pipeline.search(index, "common")[1][0].facts["as_of"]
    assert said in (before, time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime()))


@pytest.mark.parametrize("as_of", ["", "yesterday", "2023", "2023-02-30", "1700006400"])
def test_a_date_that_is_none_is_refused(leg, as_of):
    with pytest.raises(ValueError, match="as_of: expected a date such as"):
        Recency(over=leg({}), as_of=as_of)


@pytest.mark.parametrize(
    ("field", "value"), [("weight", 1.01), ("weight", -0.1), ("half_life_days", 0), ("fresh_within", 0), ("fresh_within", 2e6), ("limit", 0)]
)
def test_fields_are_held_to_their_bounds(leg, field, value):
    with pytest.raises(ValueError, match=field):
        Recency(over=leg({}), **{field: value})
