"""The whole examination: all checks, worst first, with sound and unsound rows together; the page; the command."""

import json
import sys

import pytest

from eval import cli_doctor, cli_questions
from eval.app import app
from eval.doctor.examine import worst
from eval.doctor.page import page
from rag.shell import run

COMMANDS = (cli_doctor, cli_questions)  # importing them makes them known

TEXTS = {"a.md": "The fee for heavy parcels is five euros. The limit is thirty days.", "b.md": "Quokkas sleep through the day."}
GOOD = {"id": "q1", "text": "What do big boxes cost?", "evidence": [{"doc": "a.md", "quote": "five euros"}], "answers": ["Five euros."]}
GONE = {"id": "q2", "text": "When?", "evidence": [{"doc": "a.md", "quote": "The limit is forty days"}]}
DECLINED = {"id": "q3", "text": "Who knows?", "evidence": [], "answerable": False}


def test_every_check_has_figures_and_the_worst_comes_first(examined):
    body = examined(TEXTS, [DECLINED, GONE, GOOD])
    assert list(body["figures"]) == ["rows", "synthetic", "evidence", "duplicates", "leaks", "support", "unanswerable", "slices", "power"]
    assert body["figures"]["rows"] == {"sound": 2, "problems": 1}
    severities = [f["severity"] for f in body["findings"]]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert body["findings"][0]["check"] == "rows"
    assert body["findings"][0]["facts"]["moved"]["text"] == "The limit is thirty days"
    assert worst(body) == "error"
    assert json.loads(json.dumps(body, allow_nan=False)) == body


def test_counts_are_those_of_the_findings(examined):
    body = examined(TEXTS, [GOOD, DECLINED])
    assert sum(body["counts"].values()) == len(body["findings"])


def test_a_file_of_nothing_but_problems_is_examined(examined):
    body = examined(TEXTS, [GONE, "{"])
    assert body["counts"]["error"] == 2
    assert list(body["figures"]) == ["rows"]
    assert "no sound question; 2 errors" in page(body)


def test_equal_inputs_make_equal_findings(examined):
    assert examined(TEXTS, [GOOD, DECLINED]) == examined(TEXTS, [GOOD, DECLINED])


def test_the_page_cuts_long_lists_and_says_so(examined):
    rows = [{**GOOD, "id": f"x{i}"} for i in range(8)]
    body = examined(TEXTS, [*rows, DECLINED])
    text = page(body)
    assert "WARNING duplicates (7)" in text
    assert "... and 2 more; --all shows them" in text
    assert "more; --all" not in page(body, 100)
    assert "Assumed, not measured" in text


@pytest.fixture
def doctor(examined, tmp_path, monkeypatch, capsys):
    """Run the command on rows."""

    def call(rows, *more):
        examined(TEXTS, rows)
        arguments = ["--corpus", str(tmp_path / "docs"), "--questions", str(tmp_path / "questions.jsonl"), "--encoder", "", *more]
        monkeypatch.setattr(sys, "argv", ["rag-eval", "doctor", *arguments])
        code = run(app)
        return code, *capsys.readouterr()

    return call


def test_the_command_prints_text_and_one_object(doctor):
    code, out, _ = doctor([GOOD, GONE])
    assert code == 0
    assert "1 questions (1 answerable)" in out
    code, out, err = doctor([GOOD, GONE], "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["counts"]["error"] >= 1


def test_strict_fails_on_errors(doctor):
    assert doctor([GOOD, GONE], "--strict")[0] == 1


def test_an_unknown_language_is_one_line(doctor):
    code, _, err = doctor([GOOD], "--language", "klingon")
    assert code == 1
    assert err.count("\n") == 1
    assert "klingon" in err


def test_a_run_that_is_not_there_is_one_line(doctor, tmp_path):
    code, _, err = doctor([GOOD], "--run", str(tmp_path))
    assert code == 1
    assert "no finished run" in err
