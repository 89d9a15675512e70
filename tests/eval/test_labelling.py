"""Claims to label: drawn so that every question is as likely as any other, blind, and read back strictly."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from eval.labelling import Verdict, drawn, held_against, label_row, read_filled, rests_on_verdicts, verdicts
from eval.labels import read_labels
from eval.score import Score
from rag.errors import ConfigError, QuestionError, StoreError


def fact(claim: str, label: str) -> dict[str, str]:
    return {"of": "answer", "claim": claim, "label": label}


def test_verdicts_are_those_that_a_value_is_the_share_of() -> None:
    scores = [
        Score("q1", "faithfulness", 0.5, "", (fact("a", "supported"), fact("b", "contradicted"))),
        Score("q2", "faithfulness", None, "abstained"),
        Score("q3", "faithfulness", 0.0, "", ("no source was shown",)),
        Score("q1", "other", 1.0),
    ]
    assert verdicts(scores, "faithfulness") == {"q1": [Verdict("q1", "a", True), Verdict("q1", "b", False)], "q3": []}
    assert [rests_on_verdicts(s) for s in scores] == [True, True, False, True]


def test_a_metric_that_is_no_share_of_its_verdicts_is_refused() -> None:
    with pytest.raises(ConfigError, match="not the share of its supported claims"):
        verdicts([Score("q", "f1", 0.9, "", (fact("a", "supported"), fact("b", "not_found")))], "f1")


def claims(**sizes: int) -> dict[str, list[Verdict]]:
    return {q: [Verdict(q, f"{q}{i}", True) for i in range(n)] for q, n in sizes.items()}


def test_each_question_gives_a_claim_before_any_gives_two() -> None:
    found = drawn(claims(a=5, b=1, c=3), 6, seed=0)
    assert {v.question for v in found[:3]} == {"a", "b", "c"}
    assert {v.question for v in found[3:5]} == {"a", "c"}
    assert len({(v.question, v.claim) for v in found}) == 6


def test_the_draw_is_random_and_repeatable() -> None:
    """Over 300 seeds each of 3 questions leads, and each of 3 claims is drawn, about 100 times; 60 is 5 standard errors off."""
    many = [drawn(claims(a=3, b=3, c=3), 1, seed)[0] for seed in range(300)]
    assert min(Counter(v.question for v in many).values()) > 60
    assert min(Counter(v.claim[1:] for v in many).values()) > 60
    assert drawn(claims(a=3, b=3), 4, 7) == drawn(claims(b=3, a=3), 4, 7)


def test_a_claim_that_comes_twice_is_drawn_once_and_all_is_all() -> None:
    assert drawn({"q": [Verdict("q", "same", True)] * 3}, 10, 0) == [Verdict("q", "same", True)]
    assert drawn({}, 5, 0) == []


def test_a_row_shows_no_verdict_and_is_a_labelled_row_once_filled(tmp_path: Path) -> None:
    row = label_row("hybrid", "faithfulness", Verdict("q1", "It rains.", True), 0, "Does it rain?", ["It rains often."])
    assert row["supported"] is None
    assert "supported" not in json.dumps({k: v for k, v in row.items() if k != "supported"})
    file = tmp_path / "f.jsonl"
    file.write_text(json.dumps({**row, "supported": True}), encoding="utf-8")
    assert read_labels(file).rows[0].answer == "It rains."
    assert read_filled(file) == ({("hybrid", "faithfulness", "q1", "It rains."): True}, 0)


def test_claims_are_shown_what_they_were_judged_by() -> None:
    row = {"answer": "The answer.", "contexts": [{"doc_id": "d", "start": 4, "end": 7}]}
    assert held_against("faithfulness", row, {"d": "one two three"}, ["ref"]) == ["two"]
    assert held_against("context_recall", {**row, "sources": ["given"]}, {}, ["ref"]) == ["given"]
    assert held_against("factual_precision", row, {}, ["ref", "other"]) == ["ref"]
    assert held_against("factual_recall", row, {}, ["ref"]) == ["The answer."]
    with pytest.raises(StoreError, match="no document 'd'"):
        held_against("faithfulness", row, {}, [])


ROW = {"config": "c", "metric": "m", "question_id": "q", "answer": "a", "supported": True}


def filled(tmp_path: Path, *rows: object) -> Path:
    file = tmp_path / "f.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return file


def test_rows_left_open_are_counted(tmp_path: Path) -> None:
    found, left = read_filled(filled(tmp_path, ROW, {**ROW, "answer": "b", "supported": None}))
    assert (found, left) == ({("c", "m", "q", "a"): True}, 1)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([ROW, {**ROW, "supported": "yes"}], 'line 2: supported is "yes"'),
        ([ROW, {**ROW, "supported": False}], "line 2: this claim has another label"),
        ([ROW, {**ROW, "config": None}], "line 2: config is missing"),
        ([{**ROW, "supported": None}], "no row has a label"),
    ],
)
def test_a_wrongly_filled_file_is_one_error_that_names_the_line(tmp_path: Path, rows: list[object], told: str) -> None:
    with pytest.raises(QuestionError, match=told):
        read_filled(filled(tmp_path, *rows))
