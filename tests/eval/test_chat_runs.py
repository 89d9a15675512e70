"""Runs that ask a chat model: what they cost is counted, equal runs write equal files, and what was asked otherwise is asked anew."""

from __future__ import annotations

import json

import pytest

from eval import run
from eval.leaderboard import leaderboard
from eval.records import spent
from rag import Runtime
from rag.chat.recorded import RecordedModel
from rag.config import parse
from rag.errors import ChatError

TEXTS = {"cache.md": "A prefix cache keeps keys and values. It saves time.", "rank.md": "Rank fusion has a constant. The constant is 60."}
ROWS = [
    {"id": "q1", "text": "What does a cache keep?", "evidence": [{"doc": "cache.md", "quote": "keeps keys and values"}], "answers": ["Keys and values."]},
    {"id": "q2", "text": "Which constant has fusion?", "evidence": [{"doc": "rank.md", "quote": "constant is 60"}], "answers": ["60"]},
]
SAID = {"What does a cache keep?": "A prefix cache keeps keys and values. [?]", "Which constant has fusion?": "NO ANSWER: it is not said."}
METRICS = ["span_recall", "abstention_accuracy"]


@pytest.fixture
def task(tmp_path, monkeypatch):
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "docs").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "docs" / name).write_text(text)
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    record(tmp_path, SAID)
    return tmp_path


def record(task, said):
    (task / "said.jsonl").write_text("".join(json.dumps({"task": "answer", "subject": q, "text": t}) + "\n" for q, t in said.items()))


def evaluate(task, out="out", answer=None, runtime=None):
    chat = {"use": "recorded", "path": str(task / "said.jsonl")}
    body = {"chunk": "whole", "retrieve": "bm25", "models": {"encoder": "hashing-64", "chat": chat}}
    both = {"asks": parse({**body, "answer": answer or "generative"}), "quotes": parse({**body, "answer": {"use": "extractive", "blend": 0}})}
    return run(both, task / "docs", task / "questions.jsonl", task / out, metrics=METRICS, runtime=runtime or Runtime(show_progress=False))


def answers(task, out="out"):
    return [json.loads(line) for line in (task / out / "asks" / "answers.jsonl").read_text().splitlines()]


def test_completions_tokens_and_money_are_summed(task):
    summary = evaluate(task)
    chat = summary["configs"]["asks"]["chat"]
    assert chat["completions"] == 2
    assert chat["prompt_tokens"] > 200
    assert chat["completion_tokens"] > 10
    assert summary["configs"]["quotes"]["chat"] == dict.fromkeys(chat, 0.0)
    assert (summary["configs"]["asks"]["recorded"], summary["configs"]["quotes"]["recorded"]) == (True, False)


def test_costs_are_summed_over_steps_at_any_depth():
    inner = {"stage": "chat", "completions": 2, "prompt_tokens": 7, "completion_tokens": 3, "cost": 0.25}
    row = {"trace": [{"stage": "retrieve", "steps": [inner]}, {"stage": "answer", "steps": [{"stage": "map", "steps": [inner]}]}]}
    assert spent([row, row]) == {"completions": 8, "prompt_tokens": 28, "completion_tokens": 12, "cost": 1.0}


def test_the_table_shows_what_was_spent_and_says_what_is_recorded(task):
    text = leaderboard(evaluate(task))
    assert text.splitlines()[0].split()[-1] == "chat"
    assert "asks: replies are recordings" in text


def test_answers_flags_and_abstentions_are_in_the_rows(task):
    evaluate(task)
    first, second = answers(task)
    assert first["answer"] == "A prefix cache keeps keys and values. [1]"
    assert first["citations"] == [{"doc_id": "cache.md", "start": 0, "end": 37}]
    assert first["flags"] == []
    assert (second["abstained"], second["why"]) == (True, "it is not said.")


def test_equal_runs_write_equal_files_with_the_memo_warm_or_cold(task, tmp_path, monkeypatch):
    evaluate(task, "warm")
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "other"))
    evaluate(task, "cold")
    for name in ("answers.jsonl", "scores.jsonl"):
        assert (task / "warm" / "asks" / name).read_bytes() == (task / "cold" / "asks" / name).read_bytes()


def test_prompts_are_named_in_the_lock_with_their_digest(task):
    evaluate(task)
    lock = json.loads((task / "out" / "asks" / "lock.json").read_text())
    assert set(lock["prompts"]) == {"answer"}
    assert len(lock["prompts"]["answer"]) == 32


def test_another_recording_or_prompt_is_another_run(task):
    evaluate(task)
    record(task, {**SAID, "Which constant has fusion?": "The constant is 60. [?]"})
    evaluate(task)
    assert answers(task)[1]["answer"] == "The constant is 60. [1]"
    own = task / "mine.md"
    own.write_text("# user\nAnswer {{question}} from {{sources}}")
    evaluate(task, answer={"use": "generative", "prompt": str(own)})
    short = json.loads((task / "out" / "summary.json").read_text())["configs"]["asks"]["chat"]["prompt_tokens"]
    own.write_text("# user\nAnswer {{question}} from {{sources}}, in one sentence, please, and nothing else at all")
    evaluate(task, answer={"use": "generative", "prompt": str(own)})
    assert json.loads((task / "out" / "summary.json").read_text())["configs"]["asks"]["chat"]["prompt_tokens"] > short


def test_a_question_the_model_gives_nothing_usable_for_is_a_missing_score_with_the_reason(task, monkeypatch):
    real = RecordedModel.complete

    def complete(self, request, on_text=None):
        if request.subject.startswith("Which"):
            raise ChatError("cut off; raise max_tokens", "truncated")
        return real(self, request, on_text)

    monkeypatch.setattr(RecordedModel, "complete", complete)
    summary = evaluate(task)
    found = summary["configs"]["asks"]["metrics"]["span_recall"]
    assert (found["scored"], found["n"], found["missing"]) == (1, 2, {"answer_failed": 1})
    assert answers(task)[1]["failed"] == "truncated: cut off; raise max_tokens"
    assert summary["configs"]["quotes"]["metrics"]["span_recall"]["scored"] == 2


@pytest.mark.parametrize("why", ["rejected", "over_budget", "unreachable", "not_recorded"])
def test_what_is_no_matter_of_one_question_ends_the_run(task, monkeypatch, why):
    def complete(self, request, on_text=None):
        raise ChatError("no", why)

    monkeypatch.setattr(RecordedModel, "complete", complete)
    with pytest.raises(ChatError):
        evaluate(task)
    monkeypatch.undo()
    monkeypatch.setenv("RAG_CACHE_DIR", str(task / "cache"))
    assert evaluate(task)["configs"]["asks"]["metrics"]["span_recall"]["scored"] == 2
