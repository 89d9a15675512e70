"""`rag-eval explain` and `rag-eval show` from end to end: text for people, one JSON object for programs."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import eval.cli_explain  # noqa: F401  # registers the commands
from eval.app import app
from rag.errors import ConfigError


def call(*arguments: object) -> str:
    found = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


def test_explain_prints_the_waterfall_and_as_json_every_question(place):
    text = call("explain", place / "run", "pack", "--corpus", place / "docs")
    assert "left after the last stage: 62.5 points" in text
    body = json.loads(call("explain", place / "run", "pack", "--corpus", place / "docs", "--json"))
    (found,) = body["configs"].values()
    assert [q["question"] for q in found["questions"]] == ["copy", "second", "top", "torn"]
    assert found["questions"][1]["gone"] == {"pack": [["wing.md", 7, 22]]}
    assert set(body["work"].values()) == {0}


def test_against_another_says_where_the_difference_is_and_against_itself_nothing(place):
    body = json.loads(call("explain", place / "run", "pack", "--against", "fine", "--corpus", place / "docs", "--json"))
    assert {r["stage"]: r["delta"] for r in body["difference"]["stages"] if r["delta"]} == {"pack": -0.375}
    assert "pack minus fine" in call("explain", place / "run", "pack", "--against", "fine", "--corpus", place / "docs")
    same = json.loads(call("explain", place / "run", "pack", "--against", "pack", "--corpus", place / "docs", "--json"))
    assert same["difference"]["total"]["delta"] == 0


def test_any_evidence_counts_questions_of_which_something_is_left(place):
    body = json.loads(call("explain", place / "run", "pack", "--measure", "any_evidence", "--corpus", place / "docs", "--json"))
    assert body["configs"]["pack"]["left"] == 0.75


def test_show_prints_one_question(place):
    text = call("show", place / "run", "refine", "second", "--corpus", place / "docs")
    assert "first lost at: refine threshold" in text
    assert json.loads(call("show", place / "run", "refine", "second", "--corpus", place / "docs", "--json"))["question"] == "second"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--measure", "recall"], "--measure 'recall' is not one of: span_recall"),
        (["--worth"], "give the file of the run with --questions"),
        (["--worth", "--against", "fine"], "ask one at a time"),
    ],
)
def test_what_cannot_be_is_refused_in_words(place, more, message):
    with pytest.raises(ConfigError, match=message):
        call("explain", place / "run", "pack", "--corpus", place / "docs", *more)


def test_worth_prints_a_row_per_part(place):
    found = call("explain", place / "run", "refine", "--worth", "--corpus", place / "docs", "--questions", place / "q.jsonl", "--metrics", "span_recall")
    assert "without refine threshold" in found
