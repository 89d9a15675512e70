"""Comparative judging: what is decided without asking, what the judge says in both orders, and what the figures rest on."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from eval import run
from eval.cli import app
from eval.cli_prefer import text
from eval.judges.chat import ChatJudge
from eval.preference import EQUAL, JUDGED, Verdict, prefer_run, ruled, tally
from eval.score import Score
from eval.stats import paired
from rag import shell
from rag.config import parse
from rag.errors import ConfigError, StoreError
from rag.memo import Memo
from rag.runtime import Runtime

from .judges.scripted import Scripted, shown

TEXTS = {
    "cache.md": "A prefix cache keeps keys and values of a prompt. It saves time for long prompts.",
    "rank.md": "Reciprocal rank fusion adds reciprocal ranks. Its constant is 60.",
    "chunk.md": "Chunks overlap so that sentences are not lost. Overlap costs space.",
}
ROWS = [
    {
        "id": "q1",
        "text": "What does a prefix cache keep?",
        "evidence": [{"doc": "cache.md", "quote": "keeps keys and values"}],
        "answers": ["Keys and values."],
    },
    {"id": "q2", "text": "Which constant has rank fusion?", "evidence": [{"doc": "rank.md", "quote": "constant is 60"}], "answers": ["60"]},
    {"id": "q3", "text": "Why do chunks overlap?", "evidence": [{"doc": "chunk.md", "quote": "sentences are not lost"}], "answers": []},
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a run of two configurations: one quotes a sentence, the other two."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "docs").mkdir()
    for name, content in TEXTS.items():
        (tmp_path / "docs" / name).write_text(content, encoding="utf-8")
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in ROWS), encoding="utf-8")
    plain = {"chunk": "whole", "models": {"encoder": "hashing-64"}, "retrieve": "bm25"}
    both = {
        n: parse({**plain, "answer": {"use": "extractive", "blend": 0, "threshold": 0, "near": 0, "quotes": quotes}})
        for n, quotes in (("short", 1), ("long", 2))
    }
    run(both, tmp_path / "docs", tmp_path / "questions.jsonl", tmp_path / "run", metrics=["hit@1"], runtime=Runtime(Memo(), show_progress=False))
    return tmp_path / "run"


def judge(rule: Any, **more: Any) -> tuple[ChatJudge, Scripted]:
    """Return a judge that chooses by the two answers, and its model."""
    model = Scripted(lambda r: {"rationale": "so", "better": rule(shown(r, "first answer")[0], shown(r, "second answer")[0])}, **more)
    return ChatJudge(chat=model, encoder="hashing-64"), model


def shorter(one: str, two: str) -> str:
    """Choose the shorter answer."""
    return "first" if len(one) < len(two) else "second"


def rows_of(folder: Path, a: str = "short", b: str = "long") -> list[dict[str, Any]]:
    """Return the rows that a comparison wrote."""
    return [json.loads(line) for line in (folder / f"preferences-{a}-{b}.jsonl").read_text().splitlines()]


# Without asking

ASKED = {"question": "q", "answerable": True}
UNANSWERABLE = {"question": "q", "answerable": False}


def answer(words: str = "yes", abstained: bool = False, **more: Any) -> dict[str, Any]:
    """Return what matters of a row of answers."""
    return {"answer": words, "abstained": abstained, **more}


@pytest.mark.parametrize(
    ("question", "a", "b", "better", "by"),
    [
        (ASKED, answer(abstained=True), answer(abstained=True), "tie", "both declined"),
        (UNANSWERABLE, answer(abstained=True), answer(abstained=True), "tie", "both declined"),
        (ASKED, answer(abstained=True), answer(), "b", "one declined"),
        (ASKED, answer(), answer(abstained=True), "a", "one declined"),
        (UNANSWERABLE, answer(abstained=True), answer(), "a", "one declined"),
        (UNANSWERABLE, answer(), answer(abstained=True), "b", "one declined"),
        (ASKED, answer("the  same"), answer("the same\n"), "tie", "equal answers"),
    ],
)
def test_declining_and_equal_answers_are_decided_by_rule(question: Any, a: Any, b: Any, better: str, by: str) -> None:
    assert ruled(question, a, b) == Verdict("q", better, by)


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        (answer(failed="truncated: cut off"), answer(), "answer_failed"),
        (answer(abstained=True), answer(failed="refused: no"), "answer_failed"),
        (answer(" "), answer(), "not_applicable"),
    ],
)
def test_an_answer_that_is_not_there_is_missing_and_no_loss(a: Any, b: Any, reason: str) -> None:
    found = ruled(ASKED, a, b)
    assert (found.better, found.missing.split(":")[0]) == (None, reason)
    Score("q", "prefer", None, found.missing)  # a reason that scores know too


def test_two_different_answers_are_for_the_judge() -> None:
    assert ruled(ASKED, answer("yes"), answer("no")) is None


# Figures


def test_the_figures_are_those_of_a_paired_comparison_and_every_question_is_counted() -> None:
    """Worked by hand: 3 wins, 1 loss, 2 ties of 6 make a difference of 2 / 6; the judge alone 2 wins, 1 loss, 1 tie of 4 make 1 / 4."""
    verdicts = [
        Verdict("1", "a", "judge", True, 1, 1), Verdict("2", "a", "judge", True, 1, 1), Verdict("3", "b", "judge", True, 1, 1),
        Verdict("4", "tie", "judge", False, 2, 0), Verdict("5", "tie", "equal answers"), Verdict("6", "a", "one declined"),
        Verdict("7", None, "judge", missing="judge_failed(refused): no"), Verdict("8", None, "", missing="answer_failed: b: x"),
        Verdict("9", None, "", missing="not_applicable: an answer is empty"),
    ]  # fmt: skip
    clusters = dict(zip("123456789", "aabbccddd", strict=True))
    found = tally(verdicts, clusters)
    assert (found["n"], found["scored"], found["wins"], found["losses"], found["ties"]) == (9, 6, 3, 1, 2)
    assert found["delta"] == pytest.approx(2 / 6, abs=1e-12)
    expected = paired([1, 1, -1, 0, 0, 1], [0] * 6, ["a", "a", "b", "b", "c", "c"])
    assert (found["low"], found["high"], found["p"], found["clusters"]) == (expected.low, expected.high, expected.p, 3)
    assert found["asked"]["delta"] == pytest.approx(1 / 4, abs=1e-12)
    assert (found["asked"]["wins"], found["asked"]["losses"], found["asked"]["ties"], found["asked"]["scored"]) == (2, 1, 1, 4)
    assert found["by_rule"] == {"equal answers": 1, "one declined": 1}
    assert found["inconsistent"] == 1
    assert found["position"] == {"first": 5, "second": 3, "share_first": 5 / 8}
    assert found["missing"] == {"answer_failed": 1, "judge_failed(refused)": 1, "not_applicable": 1}
    assert (found["coverage"], found["covered"]) == (6 / 8, False)


def test_turned_around_every_figure_is_the_negative() -> None:
    verdicts = [Verdict(str(i), "a" if i % 3 else "b", "judge") for i in range(20)]
    turned = [Verdict(v.question, "b" if v.better == "a" else "a", v.by) for v in verdicts]
    clusters = {str(i): i // 2 for i in range(20)}
    one, two = tally(verdicts, clusters), tally(turned, clusters)
    assert (one["delta"], one["low"], one["high"], one["wins"]) == (-two["delta"], -two["high"], -two["low"], two["losses"])


def test_without_a_verdict_there_is_no_figure() -> None:
    found = tally([Verdict("1", None, "judge", missing="timed_out")], {"1": "a"})
    assert [found[k] for k in ("delta", "low", "high", "p", "scored", "coverage")] == [None, None, None, None, 0, 0.0]
    assert found["position"]["share_first"] is None


# A run


def test_a_run_is_compared_question_by_question_in_both_orders(folder: Path, runtime: Runtime) -> None:
    spec, model = judge(shorter)
    found = prefer_run(folder, "short", "long", spec, folder.parent / "docs", None, runtime)
    assert (found["a"], found["b"], found["wins"], found["losses"], found["ties"], found["n"]) == ("short", "long", 3, 0, 0, 3)
    assert (found["delta"], found["low"], found["high"]) == (1.0, 1.0, 1.0)
    assert found["position"]["share_first"] == 0.5
    rows = rows_of(folder)
    assert [(r["question"], r["better"], r["by"], r["consistent"]) for r in rows] == [(q, "a", "judge", True) for q in ("q1", "q2", "q3")]
    assert len(model.asked) == 6
    first = next(r for r in model.asked if r.subject == "What does a prefix cache keep?")
    assert shown(first, "context of the first answer")[0] == TEXTS["cache.md"]
    assert shown(first, "reference") == ["Keys and values."]


def test_a_judge_that_takes_what_comes_first_gives_ties_and_is_found_out(folder: Path, runtime: Runtime) -> None:
    spec, _ = judge(lambda one, two: "first")
    found = prefer_run(folder, "short", "long", spec, folder.parent / "docs", None, runtime)
    assert (found["delta"], found["ties"], found["inconsistent"], found["position"]["share_first"]) == (0.0, 3, 3, 1.0)


def test_a_second_call_asks_for_what_failed_only(folder: Path, runtime: Runtime) -> None:
    down = {"Which constant has rank fusion?"}

    def rule(request: Any) -> Any:
        return "timeout" if request.subject in down else {"better": shorter(shown(request, "first answer")[0], shown(request, "second answer")[0])}

    model = Scripted(rule, threads=2)
    spec = ChatJudge(chat=model, encoder="hashing-64")
    docs = folder.parent / "docs"
    found = prefer_run(folder, "short", "long", spec, docs, None, runtime)
    assert (found["wins"], found["missing"], found["covered"]) == (2, {"timed_out": 1}, False)
    assert [r["question"] for r in rows_of(folder)] == ["q1", "q2", "q3"]
    asked = len(model.asked)
    down.clear()
    again = prefer_run(folder, "short", "long", spec, docs, None, runtime)
    assert (again["wins"], again["missing"], len(model.asked) - asked) == (3, {}, 2)
    limited = prefer_run(folder, "short", "long", spec, docs, 1, runtime)
    assert (limited["n"], len(rows_of(folder)), len(model.asked) - asked) == (1, 1, 2)


def test_a_judge_that_compares_nothing_says_so_for_every_question(folder: Path, runtime: Runtime) -> None:
    found = prefer_run(folder, "short", "long", "{use: embedded, encoder: hashing-64}", folder.parent / "docs", None, runtime)
    assert (found["scored"], found["missing"], found["coverage"]) == (0, {"not_applicable": 3}, 0.0)
    assert "no question has a verdict" in text(found)
    assert not found["covered"]
    assert "too few are left to decide anything" in text(found)


def test_what_the_judge_could_not_compare_is_lost_though_rules_decided_the_rest() -> None:
    """Two verdicts by rule and two that the judge cannot give cover half; an empty answer is nothing to compare and lowers nothing."""
    decided = [Verdict(f"r{i}", "tie", EQUAL) for i in range(2)]
    unable = [Verdict(f"j{i}", None, JUDGED, missing="not_applicable: it compares nothing") for i in range(2)]
    empty = [Verdict("e", None, "", missing="not_applicable: an answer is empty")]
    found = tally([*decided, *unable, *empty], {v.question: v.question for v in [*decided, *unable, *empty]})
    assert (found["coverage"], found["covered"]) == (0.5, False)


def test_rows_that_hold_their_texts_need_no_corpus(folder: Path, runtime: Runtime) -> None:
    spec, model = judge(shorter)
    with pytest.raises(ConfigError, match="give --corpus"):
        prefer_run(folder, "short", "long", spec, None, None, runtime)
    for name in ("short", "long"):
        file = folder / name / "answers.jsonl"
        rows = [{**json.loads(line), "sources": [f"text of {name}"]} for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert prefer_run(folder, "short", "long", spec, None, None, runtime)["wins"] == 3
    assert {*shown(model.asked[0], "context of the first answer"), *shown(model.asked[0], "context of the second answer")} == {"text of short", "text of long"}


def test_another_corpus_or_another_name_is_refused(folder: Path, runtime: Runtime) -> None:
    spec, _ = judge(shorter)
    docs = folder.parent / "docs"
    with pytest.raises(ConfigError, match="no configuration 'shrot', did you mean 'short'"):
        prefer_run(folder, "shrot", "long", spec, docs, None, runtime)
    with pytest.raises(ConfigError, match="no configuration"):  # it has a lock, but is no configuration of this run
        prefer_run(folder, f"../{folder.name}/short", "long", spec, docs, None, runtime)
    with pytest.raises(ConfigError, match="cannot be compared with itself"):
        prefer_run(folder, "long", "long", spec, docs, None, runtime)
    (docs / "rank.md").write_text("Something else.")
    with pytest.raises(StoreError, match="not the corpus of the run"):
        prefer_run(folder, "short", "long", spec, docs, None, runtime)
    with pytest.raises(StoreError, match="no finished run"):
        prefer_run(docs, "short", "long", spec, docs, None, runtime)


def test_the_command_prints_one_object_and_a_text_that_says_what_it_rests_on(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    said = folder.parent / "said.jsonl"
    said.write_text("".join(json.dumps({"task": "judge_prefer", "subject": r["text"], "text": '{"better": "first"}'}) + "\n" for r in ROWS))
    spec = f"{{use: chat, encoder: hashing-64, chat: {{use: recorded, path: '{said}'}}}}"
    command = ["rag-eval", "prefer", str(folder), "short", "long", "--judge", spec, "--corpus", str(folder.parent / "docs")]
    monkeypatch.setattr(sys, "argv", [*command, "--json"])
    assert shell.run(app) == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["delta"], body["inconsistent"], body["judge"]["use"]) == (0.0, 3, "chat")
    assert body["file"].endswith("preferences-short-long.jsonl")
    monkeypatch.setattr(sys, "argv", command)
    assert shell.run(app) == 0
    out = capsys.readouterr().out
    assert "all: +0.000 [+0.000, +0.000]  p 1.0000  wins 0 losses 0 ties 3  n 3" in out
    assert "order of the answers changed 3 of 3 verdicts" in out
    assert "preferred in 100% of the askings" in out
    assert "no certificate speaks of preferences" in out
