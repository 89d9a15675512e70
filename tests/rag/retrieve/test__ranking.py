"""Rankings are by descending score, ties by id, and their trace holds no text."""

from __future__ import annotations

import time

from rag.retrieve._ranking import best, ranking


def test_best_orders_by_score_then_id_and_cuts():
    assert best({"d": 2.0, "b": 1.0, "a": 1.0, "c": 3.0}, 3) == [("c", 3.0), ("d", 2.0), ("a", 1.0)]
    assert best({}, 3) == []


def test_a_ranking_records_ids_scores_and_time():
    made = ranking("bm25", time.perf_counter() - 1.0, [("a", 2.0), ("b", 1.0)], terms=3)
    assert made.scored == (("a", 2.0), ("b", 1.0))
    assert (made.step.stage, made.step.use) == ("retrieve", "bm25")
    assert made.step.facts == {"hits": 2, "ids": ["a", "b"], "scores": [2.0, 1.0], "terms": 3}
    assert made.step.ms >= 1000
