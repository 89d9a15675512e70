"""Requirements on one question in one configuration: hits that matter, verdicts once, and nothing empty."""

from __future__ import annotations

from eval.report.details import TOP, detail
from eval.report.pool import Pool
from eval.score import Score

ASKED = {"evidence": [{"doc_id": "d", "start": 500, "end": 520}]}
ROW = {
    "answer": "It burns kerosene. [1]", "abstained": False, "why": "", "contexts": [], "citations": [], "flags": [], "context_tokens": 5, "dropped": 0, "cut": 0, "held": [False],
    "ranking": [{"doc_id": "d", "start": 50 * i, "end": 50 * i + 40, "score": 1 / (i + 1)} for i in range(20)],
}  # fmt: skip
CLAIM = {"of": "answer", "claim": "It burns kerosene.", "label": "supported", "score": 0.98, "rationale": "quoted", "evidence": [[0, 0, 5]]}


def test_first_hits_are_listed_and_later_ones_only_with_evidence():
    pool = Pool()
    found = detail(ASKED, ROW, {}, None, (), (), pool)
    assert len(found["hits"]) == 2 * TOP
    rank, place, score = found["later"]  # the hit at 500 to 540, the eleventh
    assert (rank, pool.spans[3 * place + 1 : 3 * place + 3], score) == (11, [500, 540], 0.09091)
    assert found["ranked"] == 20
    assert found["torn"] == [0]


def test_what_is_empty_is_not_there():
    found = detail(ASKED, ROW, {}, None, (), (), Pool())
    assert not {"declined", "failed", "cited", "shown", "flags", "verdicts", "notes", "lost", "gone"} & set(found)


def test_metrics_of_the_same_verdicts_share_them_and_a_claim_of_the_answer_is_a_place_in_it():
    pool = Pool()
    scores = {m: Score("q", m, 1.0, "", (CLAIM,)) for m in ("faithfulness", "factual_correctness")}
    found = detail(ASKED, ROW, scores, None, ("faithfulness", "factual_correctness"), (), pool)
    ((metrics, ((words, claim),)),) = found["verdicts"]
    assert metrics == [0, 1]
    assert claim == [0, 18]
    assert pool.texts[words] == "answer: supported 0.98, quoted"


def test_sources_that_matter_are_one_line_and_unknown_facts_are_written_out():
    pool = Pool()
    facts = ({"source": 1, "relevant": False}, {"source": 2, "relevant": True}, "a stand-in", {"claim": "x y", "grade": 3})
    found = detail(ASKED, ROW, {"m": Score("q", "m", 0.5, "", facts)}, None, ("m",), (), pool)
    lines = [[pool.texts[n] for n in fact] for fact in found["verdicts"][0][1]]
    assert lines == [["sources that matter: [2]; that do not: [1]"], ["a stand-in"], ["grade 3", "x y"]]


def test_reason_beyond_its_word_and_mark_beside_a_value_are_kept():
    pool = Pool()
    scores = {"a": Score("q", "a", None, "timed_out: 30 s"), "b": Score("q", "b", None, "timed_out"), "c": Score("q", "c", 1.0, "short list")}
    found = detail(ASKED, ROW, scores, None, ("a", "b", "c"), (), pool)
    assert [(m, pool.texts[n]) for m, n in found["notes"]] == [(0, "timed_out: 30 s"), (2, "short list")]
