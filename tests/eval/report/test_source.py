"""Requirements on what a report takes from a corpus: its texts and stages, or in one line why not."""

from __future__ import annotations

import json

from eval.explain.explained import explain
from eval.explain.opened import open_run
from eval.report.source import NONE, read_source
from eval.report.view import View
from rag.runtime import Runtime


def source(place, corpus):
    summary = json.loads((place / "run" / "summary.json").read_text("utf-8"))
    return read_source(summary, place / "run", corpus, Runtime(show_progress=False))


def test_corpus_of_the_run_gives_its_texts_and_the_stages_that_explain_gives(place):
    found = source(place, place / "docs")
    assert found.why == ""
    assert found.texts["wing.md"] == "Falcon wings are light. Falcon wings are long."
    assert {name: {q.question: q.stage for q in e.questions}["second"] for name, e in found.explained.items()} == {
        "fine": "answer", "search": "search", "pack": "pack",
    }  # fmt: skip
    run = open_run(place / "run", ["pack"], place / "docs")
    assert found.explained["pack"].questions == explain(run, "pack", "span_recall", Runtime(show_progress=False)).questions


def test_another_or_no_corpus_is_a_line_and_no_error(place, tmp_path):
    (tmp_path / "engine.md").write_text("changed", encoding="utf-8")
    found = source(place, tmp_path)
    assert "another digest" in found.why
    assert not found.texts
    assert not found.explained
    assert str(tmp_path / "gone") in source(place, tmp_path / "gone").why
    assert "--corpus" in NONE.why


def test_system_that_was_answered_elsewhere_has_texts_and_no_stages(place, tmp_path):
    import shutil

    shutil.copytree(place / "run", tmp_path / "run")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text("utf-8"))
    for name in summary["configs"]:
        lock = json.loads((tmp_path / "run" / name / "lock.json").read_text("utf-8"))
        (tmp_path / "run" / name / "lock.json").write_text(json.dumps({**lock, "outside": {}}), encoding="utf-8")
    found = read_source(summary, tmp_path / "run", place / "docs", Runtime(show_progress=False))
    assert found.unexplained == dict.fromkeys(["fine", "pack", "search"], "answered elsewhere")
    assert sorted(found.texts) == ["engine.md", "heron.md", "wing.md"]


def test_a_report_asks_no_chat_model_but_replays_a_recording(place):
    summary = json.loads((place / "run" / "summary.json").read_text("utf-8"))
    summary["configs"]["pack"]["chat"] = {"completions": 3}
    summary["configs"]["search"] |= {"chat": {"completions": 3}, "recorded": True}
    found = read_source(summary, place / "run", place / "docs", Runtime(show_progress=False))
    assert sorted(found.explained) == ["fine", "search"]
    assert found.unexplained["pack"].startswith("it asks a chat model")


def test_only_the_best_are_replayed_and_the_others_say_so(place, monkeypatch):
    import eval.report.source as module

    monkeypatch.setattr(module, "MOST", 1)
    summary = json.loads((place / "run" / "summary.json").read_text("utf-8"))
    best = View(summary, place / "run").names[0]
    found = read_source(summary, place / "run", place / "docs", Runtime(show_progress=False))
    assert sorted(found.explained) == [best]
    assert set(found.unexplained.values()) == {module.BEYOND}
    assert sorted(found.unexplained) == sorted(set(summary["configs"]) - {best})
