"""The commands `score`, `import` and `export` from end to end, one JSON object each and everything that was lost in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import eval.cli_formats
import eval.cli_score  # noqa: F401  # registers the command
from eval.app import app
from rag.errors import ConfigError, QuestionError

TABLE = "id,question,answers,doc,quote,note\nq1,What keeps a cache?,Keys and values.,cache.md,keeps keys and values,n\nq2,Who wrote it?,,,,\n"


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "cache.md").write_text("A prefix cache keeps keys and values of a prompt.")
    (tmp_path / "table.csv").write_text(TABLE)
    return tmp_path


def done(*arguments: str) -> str:
    """Return what a command writes to standard output; raises what it raises."""
    found = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_from_a_table_to_scores_to_another_programs_files(task: Path) -> None:
    body = json.loads(done("import", "csv", "table.csv", "-o", "q.jsonl", "--corpus", "docs", "--json"))
    assert (body["questions"], body["checked"], body["files"], body["lost"]) == (2, True, ["q.jsonl"], {"cells of the column 'note'": 1})
    context = {"doc_id": "cache.md", "start": 0, "end": 49}
    (task / "mine.jsonl").write_text(json.dumps({"question": "q1", "answer": "It keeps keys and values.", "contexts": [context]}))
    arguments = ["score", "mine.jsonl", "--corpus", "docs", "--questions", "q.jsonl", "--out", "out", "--metrics", "recall@1,span_recall"]
    body = json.loads(done(*arguments, "--json"))
    assert body["configs"]["mine"]["metrics"]["span_recall"]["mean"] == 1.0
    assert body["configs"]["mine"]["outside"]["missing"] == 1
    assert "mine: 1 answers; 1 of 1 contexts have a place in the corpus; 1 rankings are the order of the contexts; 1 questions have no answer" in done(
        *arguments
    )
    body = json.loads(done("export", "out", "--to", "trec", "-o", "trec", "--json"))
    assert (task / "trec" / "mine.run").read_text() == "q1 Q0 cache.md 1 1.0 mine\n"
    assert body["lost"]["questions that mine gave no answer to"] == 1
    body = json.loads(done("import", "trec", "trec/mine.run", "--answers-out", "back", "--json"))
    assert (body["answers"], body["files"]) == ({"mine": 1}, ["back/mine.jsonl"])
    assert done("export", "out", "--to", "csv", "-o", "back.csv", "--corpus", "docs").startswith("wrote back.csv: 2 questions")
    assert "keeps keys and values" in (task / "back.csv").read_text("utf-8-sig")


def test_an_import_is_checked_against_the_corpus(task: Path) -> None:
    """The error is that of a run; nothing is written."""
    (task / "table.csv").write_text(TABLE.replace("keeps keys", "holds keys"))
    with pytest.raises(QuestionError, match=r"q.jsonl line 1, question 'q1': evidence\[0\] in 'cache.md': the quote 'holds keys and values' is not"):
        done("import", "csv", "table.csv", "-o", "q.jsonl", "--corpus", "docs")
    assert not (task / "q.jsonl").exists()
    assert "not checked: give --corpus" in done("import", "csv", "table.csv", "-o", "q.jsonl")


def test_an_import_says_where_it_is_to_write_and_what_it_was_not_asked_for(task: Path) -> None:
    with pytest.raises(ConfigError, match="nothing is to be written; give -o, --corpus-out or --answers-out"):
        done("import", "csv", "table.csv")
    with pytest.raises(ConfigError, match="--corpus-out: the file holds no documents; leave --corpus-out out"):
        done("import", "csv", "table.csv", "-o", "q.jsonl", "--corpus-out", "docs2")
    context = {"context": "A b.", "qas": [{"id": "q", "question": "What?", "answers": [{"text": "b", "answer_start": 2}]}]}
    (task / "s.json").write_text(json.dumps({"data": [{"title": "t", "paragraphs": [context]}]}))
    assert json.loads(done("import", "squad", "s.json", "-o", "q.jsonl", "--json"))["lost"] == {"documents (give --corpus-out to write them)": 1}
    body = json.loads(done("import", "squad", "s.json", "-o", "q.jsonl", "--corpus-out", "new", "--json"))
    assert (body["files"], body["lost"]) == (["q.jsonl", "new/corpus.jsonl"], {})
