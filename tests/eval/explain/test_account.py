"""The law of the accounting: the parts are disjoint and sum to the whole loss, whatever the stages did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.explain.account import CHUNK, CORPUS, FUSION, PACK, SEARCH, Reached, first, lost, points
from eval.explain.sets import both, minus
from eval.intervals import length, union
from rag.types import Span

span = st.builds(lambda d, a, n: Span(d, a, a + n), st.sampled_from("xy"), st.integers(0, 30), st.integers(1, 9))
several = st.lists(span, max_size=5)
NAMES = (CORPUS, CHUNK, SEARCH, FUSION, "refine merge", PACK)
stages = st.lists(several, min_size=len(NAMES), max_size=len(NAMES)).map(lambda s: [Reached(n, tuple(x)) for n, x in zip(NAMES, s, strict=True)])
evidence = st.lists(span, min_size=1, max_size=4)


def e(a: int, b: int) -> Span:
    return Span("x", a, b)


@given(evidence, stages, st.data())
def test_the_parts_are_disjoint_and_together_the_evidence_that_is_not_shown(spans, reached, data):
    split = data.draw(st.lists(st.sampled_from(spans)))
    parts = lost(spans, reached, split)
    gone = [s for part in parts.values() for s in part]
    assert list(parts) == list(NAMES)
    assert sum(length(part) for part in parts.values()) == length(gone)
    assert union(gone) == minus(spans, reached[-1].spans)


@given(evidence, stages, st.sampled_from(["span_recall", "any_evidence", "all_evidence"]))
def test_points_and_what_is_left_are_one_and_no_stage_gives_back(spans, reached, measure):
    found, left = points(spans, lost(spans, reached), union(spans), measure)
    assert sum(found.values()) + left == pytest.approx(1, abs=1e-12)
    assert all(p >= 0 for p in found.values())
    shown = length(both(spans, reached[-1].spans))
    assert left == {"span_recall": shown / length(spans), "any_evidence": float(shown > 0), "all_evidence": float(shown == length(spans))}[measure]


@given(evidence, stages, st.integers(1, len(NAMES) - 1))
def test_an_oracle_in_place_of_a_stage_loses_nothing_there(spans, reached, at):
    kept = Reached(NAMES[at], (*reached[at - 1].spans, *reached[at].spans))
    assert lost(spans, [*reached[:at], kept, *reached[at + 1 :]])[NAMES[at]] == ()


@given(evidence, stages)
def test_stages_that_all_hold_the_evidence_lose_nothing(spans, reached):
    parts = lost(spans, [Reached(r.stage, (*r.spans, *spans)) for r in reached], spans)
    assert set(parts.values()) == {()}


def test_each_stage_loses_what_it_had_before_and_has_not_after():
    reached = [Reached(n, (e(0, end),)) for n, end in zip(NAMES, (100, 90, 70, 60, 55, 20), strict=True)]
    parts = lost([e(0, 100)], reached)
    assert parts == {CORPUS: (), CHUNK: (e(90, 100),), SEARCH: (e(70, 90),), FUSION: (e(60, 70),), "refine merge": (e(55, 60),), PACK: (e(20, 55),)}
    assert points([e(0, 100)], parts, [e(0, 100)], "span_recall")[1] == 0.2
    assert first(parts, [e(0, 100)]) == CHUNK


def test_what_a_refiner_brings_back_was_no_loss_before_and_is_lost_where_it_falls():
    reached = [Reached(CHUNK, (e(0, 10),)), Reached(SEARCH, (e(0, 4),)), Reached("refine window", (e(0, 8),)), Reached(PACK, (e(0, 6),))]
    assert lost([e(0, 10)], reached) == {CHUNK: (), SEARCH: (e(8, 10),), "refine window": (), PACK: (e(6, 8),)}


def test_the_other_part_of_a_torn_span_is_put_down_to_the_chunks_when_one_part_was_found():
    reached = [Reached(CHUNK, (e(0, 30),)), Reached(SEARCH, (e(0, 10),)), Reached(PACK, (e(0, 10),))]
    assert lost([e(0, 20), e(22, 30)], reached, split=[e(0, 20)]) == {CHUNK: (e(10, 20),), SEARCH: (e(22, 30),), PACK: ()}
    assert lost([e(0, 20), e(22, 30)], reached)[CHUNK] == ()


def test_white_space_alone_is_no_first_loss():
    parts = {CHUNK: (e(5, 6),), SEARCH: (e(8, 9),)}
    assert first(parts, [e(0, 5), e(6, 10)]) == SEARCH
    assert first(parts, [e(0, 5)]) == ""
