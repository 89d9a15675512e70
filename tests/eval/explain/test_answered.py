"""What is said of a question whose evidence was shown, from its row and its scores."""

from __future__ import annotations

import pytest

from eval.explain.answered import outcome
from eval.score import Score
from rag.types import Span

ROW = {"abstained": False, "why": "", "citations": [{"doc_id": "x", "start": 5, "end": 9}]}
EVIDENCE = [Span("x", 0, 6)]


def words(value):
    return {"token_f1": Score("q", "token_f1", value), "exact_match": Score("q", "exact_match", 0.0)}


def judged(*labels, name="factual_correctness"):
    facts = tuple({"of": "reference", "claim": "c", "label": label} for label in labels)
    return {name: Score("q", name, 0.1, evidence=({"of": "answer", "claim": "more", "label": "not_found"}, *facts))}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({}, ("unknown", "no metric compared the answer with a reference")),
        (words(0.5), ("right", "")),
        (words(0.49), ("answer", "wrong")),
        (judged("supported", "not_found"), ("right", "")),
        (judged("not_found"), ("answer", "wrong")),
        (words(0.2) | judged("supported"), ("score", "words and judge disagree")),
        (words(0.9) | judged("contradicted"), ("score", "words and judge disagree")),
        (words(0.9) | judged("supported"), ("right", "")),
        ({"factual_recall": Score("q", "factual_recall", None, "judge_failed(truncated)")}, ("unknown", "no metric compared the answer with a reference")),
    ],
)
def test_words_and_the_claims_of_the_reference_decide_and_where_they_disagree_it_is_said(scores, expected):
    assert outcome(ROW, scores, EVIDENCE)[:2] == expected


def test_an_answer_that_declined_failed_or_cites_other_text_did_not_use_the_evidence():
    right = words(1.0)
    assert outcome({**ROW, "abstained": True, "why": "nothing fits"}, right, EVIDENCE) == ("answer", "declined", "nothing fits")
    assert outcome({**ROW, "failed": "refused: no"}, right, EVIDENCE) == ("answer", "failed", "refused: no")
    assert outcome(ROW, right, [Span("x", 0, 5)])[:2] == ("answer", "cites other text")
    assert outcome({**ROW, "citations": []}, right, [Span("x", 0, 5)])[0] == "right"


def test_the_detail_names_the_figures():
    assert outcome(ROW, words(0.25) | judged("supported"), EVIDENCE)[2] == "token_f1 0.25, reference claims found 1.00"
