"""The hand-written completions in data/recordings.jsonl: complete, said to be what they are, and written without sight of the evidence."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from rag.models.recordings import read

DATA = Path(__file__).parents[1] / "data"
RUN = 6  # words
QUESTIONS = [json.loads(line) for line in (DATA / "questions.jsonl").read_text(encoding="utf-8").split("\n") if line]
ROWS = [json.loads(line) for line in (DATA / "recordings.jsonl").read_text(encoding="utf-8").split("\n") if line]


def runs(text):
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}


def test_the_file_says_what_it_is():
    about = read(DATA / "recordings.jsonl").about
    for word in ("by hand", "unsupported", "should have abstained", "never choose a default"):
        assert word in about


def test_every_question_has_every_kind_of_completion():
    known = read(DATA / "recordings.jsonl").by_subject
    for q in QUESTIONS:
        found = Counter(task for task, subject, _ in known if subject == q["text"])
        assert {"hyde": 2, "multi_query": 1, "step_back": 1, "answer": 1}.items() <= found.items()
        assert found["decompose"] >= 2
        assert len(json.loads(known["multi_query", q["text"], 0].text)["questions"]) == 3
        steps = [json.loads(known["decompose", q["text"], n].text)["question"] for n in range(found["decompose"])]
        assert all(steps[:-1])
        assert steps[-1] is None


def test_nothing_is_recorded_for_a_question_that_is_not_asked():
    assert {r["subject"] for r in ROWS[1:]} == {q["text"] for q in QUESTIONS}


@pytest.mark.parametrize("task", ["hyde", "multi_query", "step_back", "decompose", "answer"])
def test_no_completion_shares_a_run_of_six_words_with_the_evidence_of_its_question(task):
    evidence = {q["text"]: set().union(*(runs(e["quote"]) for e in q["evidence"] if "quote" in e)) for q in QUESTIONS}
    assert {r["subject"] for r in ROWS[1:] if r["task"] == task and runs(r["text"]) & evidence[r["subject"]]} == set()


def test_answers_are_those_of_a_good_but_imperfect_model():
    kinds = Counter(r["kind"] for r in ROWS[1:] if r["task"] == "answer")
    answerable = sum(q["answerable"] for q in QUESTIONS)
    assert kinds["abstains"] + kinds["answers_anyway"] == len(QUESTIONS) - answerable
    assert min(kinds[k] for k in ("good", "incomplete", "unsupported", "abstains_wrongly", "abstains", "answers_anyway")) >= 5
    assert kinds["good"] > answerable / 2
    for row in ROWS[1:]:
        if row["task"] == "answer":
            assert row["text"].startswith("NO ANSWER") == row["kind"].startswith("abstains")
