"""The command: files it writes, files it leaves alone, and one line for every mistake."""

import json
import sys

import pytest

from eval import cli_doctor, cli_questions
from eval.app import app
from rag.shell import run

COMMANDS = (cli_doctor, cli_questions)  # importing them makes them known


@pytest.fixture
def questions(corpus, tmp_path, monkeypatch, capsys):
    """Run the command in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["rag-eval", "questions", "docs", *arguments])
        code = run(app)
        return code, *capsys.readouterr()

    return call


def test_questions_review_and_back(questions, tmp_path):
    code, out, _ = questions("-o", "q.jsonl", "-n", "6", "--review", "r.md")
    assert code == 0
    assert out.startswith("wrote 6 synthetic questions (4 cloze, 2 heading) about 3 of 3 documents to q.jsonl\n")
    assert len((tmp_path / "q.jsonl").read_text().splitlines()) == 6
    text = (tmp_path / "r.md").read_text()
    (tmp_path / "r.md").write_text(text.replace(": keep", ": drop", 2))
    code, out, _ = questions("--apply", "r.md", "-o", "reviewed.jsonl", "--json")
    assert (code, json.loads(out)) == (0, {"questions": 4, "dropped": 2, "edited": 0, "output": "reviewed.jsonl"})


def test_one_object_with_everything(questions):
    code, out, err = questions("-o", "q.jsonl", "-n", "50", "--json")
    body = json.loads(out)
    assert (code, err) == (0, "")
    assert body["questions"] < body["wanted"] == 50
    assert set(body) >= {"kinds", "rejected", "hard", "documents", "chat", "chat_failed", "stopped", "output", "review"}


def test_a_chat_model_by_name_or_in_braces(questions):
    for chat in ("parrot", "{use: parrot}"):
        code, _, err = questions("-o", "q.jsonl", "--chat", chat, "--kinds", "cloze,chat:single", "-n", "4")
        assert (code, err) == (0, "")


def test_rejections_are_told_even_when_nothing_is_left(questions):
    code, _, err = questions("-o", "q.jsonl", "--chat", "parrot", "--kinds", "chat:single", "-n", "4")
    assert code == 1
    assert "rejected:" in err
    assert "no question is left to write" in err


def test_own_unreviewed_questions_are_overwritten_and_no_others(questions, tmp_path):
    assert questions("-o", "q.jsonl", "-n", "3", "--review", "r.md")[0] == 0
    assert questions("-o", "q.jsonl", "-n", "4")[0] == 0
    assert questions("--apply", "r.md", "-o", "reviewed.jsonl")[0] == 0
    for name in ("reviewed.jsonl", "mine.jsonl", "odd.jsonl"):
        if name != "reviewed.jsonl":
            (tmp_path / name).write_text('{"id": "1", "text": "Mine?"}\n' if name == "mine.jsonl" else "[1]\n")
        before = (tmp_path / name).read_text()
        code, _, err = questions("-o", name, "-n", "3")
        assert code == 1
        assert "more than unreviewed synthetic questions" in err
        assert (tmp_path / name).read_text() == before


def test_a_review_file_is_never_overwritten(questions):
    assert questions("-o", "q.jsonl", "-n", "3", "--review", "r.md")[0] == 0
    code, _, err = questions("-o", "q.jsonl", "-n", "3", "--review", "r.md")
    assert code == 1
    assert "somebody may have edited it" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--chat", "parot"], "did you mean 'parrot'"),
        (["--chat", "{use: openai}"], "--chat.model: required and missing"),
        (["--chat", "absent.yaml"], "cannot be read"),
        (["--kinds", "chat:single"], "name one with --chat"),
        (["--apply", "r.md", "--chat", "parrot"], "leave --chat, --kinds and --review out"),
        (["--apply", "absent.md"], "cannot be read"),
        (["--language", "klingon"], "klingon"),
    ],
)
def test_mistakes_are_one_line(questions, arguments, message):
    code, _, err = questions("-o", "q.jsonl", *arguments)
    assert code == 1
    assert err.count("\n") == 1
    assert message in err
