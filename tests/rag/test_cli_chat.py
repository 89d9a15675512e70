"""The command line where a chat model is asked: answers with their flags, kept answers, recordings, and errors that name the fix."""

from __future__ import annotations

import json

import pytest

QUESTION = "What does a prefix cache keep?"
CONFIG = "chunk: {use: fixed, size: 64}\nretrieve: bm25\nanswer: {use: generative, support: 0.3}\nmodels: {encoder: hashing-64, chat: {use: recorded, path: said.jsonl}}\n"
SAID = "A prefix cache keeps the keys and values of a shared prompt. [?] This shared prompt was found in 1871. [?]"


@pytest.fixture
def asked(rag, corpus, tmp_path):
    (tmp_path / "asks.yaml").write_text(CONFIG)
    (tmp_path / "said.jsonl").write_text(json.dumps({"task": "answer", "subject": QUESTION, "text": SAID}) + "\n")
    assert rag("index", "docs", "-c", "asks.yaml", "-i", "ix").code == 0
    return rag


def test_an_answer_comes_with_its_flags(asked):
    body = asked("ask", QUESTION, "-i", "ix", "--json").json
    assert body["answer"].startswith("A prefix cache keeps the keys and values of a shared prompt. [1]")
    assert [f["kind"] for f in body["flags"]] == ["unsupported"]
    flag = body["flags"][0]
    assert body["answer"][flag["start"] : flag["end"]].startswith("This shared prompt was found in 1871.")
    assert body["citations"][0]["doc_id"] == "cache.md"
    text = asked("ask", QUESTION, "-i", "ix").out
    assert "! unsupported: 'This shared prompt was found in 1871." in text


def test_the_trace_says_what_it_cost(asked):
    trace = asked("ask", QUESTION, "-i", "ix", "--json").json["trace"]
    (step,) = trace[-1]["steps"]
    assert (step["stage"], step["completions"]) == ("chat", 1)
    assert step["prompt_tokens"] > 100
    assert {"cost", "model_ms", "completion_tokens", "chat"} <= set(step)


def test_an_answer_is_kept_only_when_asked_for(asked):
    for _ in range(2):
        assert asked("ask", QUESTION, "-i", "ix", "--json").json["trace"][-1]["use"] == "generative"
    first = asked("ask", QUESTION, "-i", "ix", "--cache", "--json").json
    second = asked("ask", QUESTION, "-i", "ix", "--cache", "--json").json
    assert [s["use"] for s in second["trace"]] == ["remembered"]
    assert {k: v for k, v in second.items() if k != "trace"} == {k: v for k, v in first.items() if k != "trace"}


def test_a_question_that_is_not_recorded_is_one_line_with_the_fix(asked):
    error = asked("ask", "Which cache is shared?", "-i", "ix").error
    for word in ("said.jsonl", "answer", "Which cache is shared?", "--record"):
        assert word in error


def test_what_was_asked_is_recorded_and_replayed_alone(asked, tmp_path):
    assert asked("ask", QUESTION, "-i", "ix", "--record", "new.jsonl").code == 0
    (row,) = [json.loads(line) for line in (tmp_path / "new.jsonl").read_text().splitlines()]
    assert (row["task"], row["subject"]) == ("answer", QUESTION)
    assert row["key"]
    (tmp_path / "replay.yaml").write_text(CONFIG.replace("said.jsonl", "new.jsonl"))
    first, again = (asked("ask", QUESTION, "-i", "ix", "-c", c, "--json").json["answer"] for c in ("asks.yaml", "replay.yaml"))
    assert again == first


def test_a_part_that_asks_needs_a_chat_model(rag, corpus, tmp_path):
    (tmp_path / "none.yaml").write_text("chunk: whole\nretrieve: {use: hyde, over: dense}\n")
    error = rag("index", "docs", "-c", "none.yaml", "-i", "ix").error
    assert "none.yaml" in error
    assert "hyde" in error
    assert "models: {chat:" in error
