"""One question replayed: every list with its ranks, the evidence marked, the answer with its verdicts."""

from __future__ import annotations

import pytest

from eval.explain.opened import open_run
from eval.explain.show import show
from eval.explain.show_text import show_text
from rag.errors import ConfigError
from rag.runtime import Runtime


def shown(place, name, question):
    return show(open_run(place / "run", [name], place / "docs"), name, question, Runtime(show_progress=False))


def test_lists_come_in_the_order_of_the_stages_with_ranks_scores_and_evidence(place):
    body = shown(place, "fusion", "second")
    assert [(s["stage"], s["name"]) for s in body["stages"]] == [("leg", "bm25 1"), ("leg", "bm25 2"), ("fusion", "rrf"), ("pack", "pack")]
    leg = body["stages"][0]["hits"]
    assert [(h["rank"], h["doc_id"], h["evidence"]) for h in leg] == [(1, "engine.md", []), (2, "wing.md", [[7, 22]])]
    assert leg[0]["score"] > leg[1]["score"] > 0
    assert [h["doc_id"] for h in body["stages"][2]["hits"]] == ["engine.md"]
    assert (body["lost"]["stage"], body["lost"]["points"]["fusion"]) == ("fusion", 1.0)


def test_the_context_marks_evidence_and_the_answer_says_which_citations_hold_it(place):
    body = shown(place, "fine", "top")
    (source,) = [s for s in body["context"]["sources"] if s["doc_id"] == "engine.md"]
    assert (source["text"], source["evidence"]) == ("Falcon engines burn kerosene in every stage.", [[15, 28]])
    assert any(c["evidence"] and "kerosene" in c["text"] for c in body["answer"]["citations"])
    (score,) = [s for s in body["scores"] if s["metric"] == "factual_correctness"]
    assert {v["of"] for v in score["verdicts"]} == {"answer", "reference"}
    text = show_text(body)
    assert ">>burn kerosene<<" in text
    assert "reference claim" in text


def test_a_span_that_no_chunk_holds_and_a_question_without_evidence_are_told(place):
    assert "(no chunk holds all of it)" in show_text(shown(place, "chunk", "torn"))
    body = shown(place, "fine", "none")
    assert "lost" not in body
    assert "no evidence: unanswerable" in show_text(body)


def test_long_lists_are_cut_and_later_evidence_is_still_shown(place):
    text = show_text(shown(place, "fine", "second"), most=1)
    assert "  *   2" in text


def test_an_unknown_question_is_refused_with_the_nearest(place):
    with pytest.raises(ConfigError, match=r"no question 'secnd'.*second"):
        shown(place, "fine", "secnd")
