"""Rankings are by descending score, ties by id, and name who scored."""

from __future__ import annotations

from rag.retrieve._ranking import facts, pool, ranked, step
from rag.types import Chunk, Found, Hit, Span, Step


def hit(i, score=1.0, text="t"):
    return Hit(Chunk(i, Span("d", 0, 1), text, text), score, "leg")


def test_ranked_orders_by_score_then_id_and_cuts():
    hits = {i: hit(i) for i in "abcd"}
    found = ranked({"d": 2.0, "b": 1.0, "a": 1.0, "c": 3.0}, hits, 3, "me")
    assert [(h.chunk.id, h.score, h.source) for h in found] == [("c", 3.0, "me"), ("d", 2.0, "me"), ("a", 1.0, "me")]
    assert ranked({}, {}, 3, "me") == ()


def test_the_pool_is_keyed_on_ids_and_never_on_text():
    one, two = Found((hit("a", text="same"), hit("b", text="same")), Step("s", "u", 0)), Found((hit("a", 9.0),), Step("s", "u", 0))
    assert sorted(pool([one, two])) == ["a", "b"]


def test_a_step_holds_ids_and_scores_and_no_text():
    hits = (hit("a", 2.0, "secret"), hit("b", 1.0, "secret"))
    assert facts(hits) == {"hits": 2, "ids": ["a", "b"], "scores": [2.0, 1.0]}
    made = step("bm25", 1.5, hits, terms=3)
    assert (made.stage, made.use, made.ms, made.facts["terms"]) == ("retrieve", "bm25", 1.5, 3)
    assert "secret" not in repr(made)
