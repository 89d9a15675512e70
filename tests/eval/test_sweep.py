"""A sweep chooses on some questions and confirms on others, keeps to its budget, and goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.budget import Budget, Meter, Metered, OverBudget
from eval.matrix import made
from eval.pairs import pair
from eval.questions import Question, cluster
from eval.records import write_jsonl
from eval.score import Score
from eval.sweep import sweep
from eval.sweep_confirm import confirm
from eval.sweep_select import select, simplicity
from eval.sweep_split import split
from eval.sweep_text import sweep_text
from rag.chat.parrot import Parrot
from rag.config import parse
from rag.errors import ConfigError, QuestionError
from rag.memo import Memo
from rag.models.chat import Message, Request
from rag.types import Span

WORDS = "amber birch cedar dahlia ember fjord garnet hazel iris juniper kelp lotus maple nettle olive poppy quartz reed sage thyme umber violet willow yarrow".split()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus of short documents, each with one question."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "docs").mkdir()
    rows = []
    for i, word in enumerate(WORDS):
        (tmp_path / "docs" / f"{word}.md").write_text(f"The {word} costs {i} coins at the market. It is sold in spring.", encoding="utf-8")
        rows.append({"id": f"q{i}", "text": f"What does the {word} cost?", "evidence": [{"doc": f"{word}.md", "quote": f"costs {i} coins"}]})
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return tmp_path


BASE: dict[str, Any] = {
    "chunk": "whole",
    "retrieve": {"use": "bm25", "limit": 1},
    "models": {"encoder": "hashing-64"},
    "answer": {"use": "extractive", "blend": 0},
}


def run(place: Path, fields: dict[str, Any], out: str = "out", base: dict[str, Any] = BASE, limit: int | None = None, **more: Any) -> dict[str, Any]:
    asked = made({"base": base, "matrix": fields, **more})
    return sweep(asked, place / "docs", place / "questions.jsonl", place / out, limit=limit, show_progress=False)


def asked_of(sizes: list[int]) -> list[Question]:
    return [Question(f"q{c}-{i}", "?", (Span(f"d{c}", 0, 1),)) for c, n in enumerate(sizes) for i in range(n)]


@given(st.lists(st.integers(1, 6), min_size=2, max_size=30), st.integers(0, 5), st.sampled_from([0.1, 0.3, 0.5, 0.9]))
@settings(max_examples=200, deadline=None)
def test_a_split_covers_every_question_once_and_shares_no_cluster(sizes: list[int], seed: int, share: float) -> None:
    questions = asked_of(sizes)
    first, second = split(questions, share, seed)
    assert sorted(q.id for q in (*first, *second)) == sorted(q.id for q in questions)
    assert first
    assert second
    assert not {cluster(q) for q in first} & {cluster(q) for q in second}
    assert split(questions[::-1], share, seed)[1] == second[::-1]


@given(st.lists(st.integers(1, 6), min_size=12, max_size=30), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_a_split_has_about_the_share_that_was_asked_for(sizes: list[int], seed: int) -> None:
    _, second = split(asked_of(sizes), 0.5, seed)
    assert abs(len(second) - sum(sizes) / 2) <= max(sizes)


def test_another_seed_is_another_split_and_one_document_cannot_be_split() -> None:
    questions = asked_of([1] * 30)
    assert split(questions, seed=0) != split(questions, seed=1)
    with pytest.raises(QuestionError, match="at least two documents"):
        split(asked_of([5]))


PIPELINES = {n: parse({"chunk": "whole", "retrieve": r}) for n, r in (("a", "bm25"), ("b", {"use": "rrf", "of": ["bm25", "dense"]}), ("c", "dense"))}


def written(folder: Path, values: dict[str, list[float | None]], metric: str = "span_recall", **costs: tuple[float, float, int]) -> dict[str, Any]:
    """Write scores of one question per cluster, and return a summary of them; costs are (completions, ms, tokens)."""
    n = len(next(iter(values.values())))
    folder.mkdir(exist_ok=True)
    write_jsonl(folder / "questions.jsonl", [{"question": f"q{i}", "cluster": f"d{i}", "tags": []} for i in range(n)])
    configs = {}
    for name, row in values.items():
        (folder / name).mkdir(exist_ok=True)
        scores = [Score(f"q{i}", metric, v, "" if v is not None else "judge_failed") for i, v in enumerate(row)]
        write_jsonl(
            folder / name / "scores.jsonl", [{"question": s.question, "metric": s.metric, "value": s.value, "why": s.why, "evidence": []} for s in scores]
        )
        known = [v for v in row if v is not None]
        calls, ms, tokens = costs.get(name, (0, 10.0, 100))
        figures = {"mean": float(np.mean(known)) if known else None, "covered": len(known) >= 0.95 * n, "scored": len(known), "n": n, "clusters": len(known)}
        configs[name] = {"metrics": {metric: figures}, "chat": {"completions": calls * n}, "latency_ms": {"total": {"p50": ms}}, "tokens": tokens * n}
    return {"configs": configs}


@given(st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=8, max_size=8), min_size=1, max_size=3), st.sampled_from([0.0, 0.1]))
@settings(max_examples=40, deadline=None)
def test_the_tied_set_always_holds_the_best_and_the_choice_is_one_of_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[float]], margin: float
) -> None:
    folder = tmp_path_factory.mktemp("run")
    summary = written(folder, dict(zip("abc", rows, strict=False)))
    found = select(folder, summary, PIPELINES, "span_recall", margin, 0)
    assert found["best"] in found["tied"]
    assert found["chosen"] == found["tied"][0]
    assert found["rows"][found["best"]]["mean"] == max(row["mean"] for row in found["rows"].values())


def test_what_is_clearly_worse_is_not_tied_and_what_differs_by_chance_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    best = [1.0] * 40
    summary = written(tmp_path, {"a": best, "b": [0.0 if i < 2 else 1.0 for i in range(40)], "c": list(rng.integers(0, 2, 40).astype(float))})
    found = select(tmp_path, summary, PIPELINES, "span_recall", 0.0, 0)
    assert (found["best"], sorted(found["tied"])) == ("a", ["a", "b"])
    assert found["rows"]["c"]["behind"] == pytest.approx(1 - found["rows"]["c"]["mean"])
    assert found["rows"]["c"]["p_adjusted"] == pytest.approx(2 * found["rows"]["c"]["p"]), "two comparisons with the best"


def test_a_margin_ties_what_is_surely_no_worse_than_it(tmp_path: Path) -> None:
    summary = written(tmp_path, {"a": [0.9] * 40, "c": [0.88] * 40})
    assert select(tmp_path, summary, PIPELINES, "span_recall", 0.0, 0)["tied"] == ["a"]
    assert select(tmp_path, summary, PIPELINES, "span_recall", 0.03, 0)["tied"] == ["a", "c"]


def test_the_best_by_a_metric_that_is_better_lower_is_the_lowest(tmp_path: Path) -> None:
    summary = written(tmp_path, {"a": [100.0] * 30, "c": [50.0] * 30}, metric="context_tokens")
    found = select(tmp_path, summary, PIPELINES, "context_tokens", 0.0, 0)
    assert (found["best"], found["tied"], found["rows"]["a"]["behind"]) == ("c", ["c"], 50.0)


def test_a_configuration_with_too_few_values_is_neither_the_best_nor_tied(tmp_path: Path) -> None:
    summary = written(tmp_path, {"a": [1.0] * 20 + [None] * 20, "c": [0.5] * 40})
    found = select(tmp_path, summary, PIPELINES, "span_recall", 0.0, 0)
    assert (found["best"], found["tied"], found["undecided"]) == ("c", ["c"], ["a"])


def test_the_order_of_simplicity_is_calls_then_parts_then_latency_then_tokens(tmp_path: Path) -> None:
    def order(names: str, **costs: tuple[float, float, int]) -> list[str]:
        return simplicity(list(names), written(tmp_path, {n: [1.0] for n in names}, **costs)["configs"], PIPELINES)

    assert order("bc", b=(0, 90.0, 900), c=(1, 1.0, 1)) == ["b", "c"], "no completion before one, whatever else"
    assert order("bc", b=(0, 1.0, 1), c=(0, 90.0, 900)) == ["c", "b"], "one retriever before three"
    assert order("ac", a=(0, 90.0, 1), c=(0, 10.0, 900)) == ["c", "a"], "faster first"
    assert order("ac", a=(0, 10.1, 900), c=(0, 10.2, 1)) == ["c", "a"], "latencies that cannot be told apart are equal, and tokens decide"


def test_confirmation_compares_with_the_base_and_says_what_the_winner_lost(tmp_path: Path) -> None:
    first = written(tmp_path / "first", {"a": [0.5] * 30, "b": [0.9] * 30, "c": [0.8] * 30})
    second = written(tmp_path / "second", {"a": [0.5] * 30, "b": [0.7] * 30, "c": [0.7] * 30})
    found = confirm(tmp_path / "second", first, second, "span_recall", "c", "b", "a", ["c", "a", "b"], 0)
    assert found["verdict"] == "confirmed"
    assert found["against_base"]["delta"] == pytest.approx(0.2)
    assert found["against_winner"]["delta"] == 0
    assert found["shrinkage"] == {"selection": pytest.approx(0.4), "confirmation": pytest.approx(0.2), "lost": pytest.approx(0.2)}
    worse = written(tmp_path / "third", {"a": [0.9] * 30, "b": [0.7] * 30, "c": [0.7] * 30})
    assert confirm(tmp_path / "third", first, worse, "span_recall", "c", "b", "a", ["c", "a", "b"], 0)["verdict"] == "worse"
    same = written(tmp_path / "fourth", {"a": [0.7] * 30, "c": [0.7] * 30})
    left = confirm(tmp_path / "fourth", first, same, "span_recall", "c", "b", "a", ["c", "a", "b"], 0)
    assert (left["verdict"], left["against_winner"], left["shrinkage"]["lost"]) == ("not_shown", None, None)


def test_a_sweep_chooses_confirms_and_leaves_runs_that_compare_reads(place: Path) -> None:
    body = run(place, {"retrieve": {"words": {"use": "bm25", "limit": 1}, "vectors": {"use": "dense", "limit": 1}}, "pack.tokens": [16, 500]})
    assert body["configs"][0] == "base"
    assert set(body["selection"]["rows"]) == set(body["configs"])
    assert body["selection"]["best"] in body["selection"]["tied"]
    n = body["questions"]
    assert n["selection"]["n"] + n["confirmation"]["n"] == len(WORDS)
    for part in ("select", "confirm"):
        assert pair(place / "out" / part, "base", body["selection"]["chosen"])["metrics"]["span_recall"]["n"] > 0
    assert set(body["confirmation"]["means"]) == {"base", *body["selection"]["tied"]}
    assert json.loads((place / "out" / "sweep.json").read_text()) == json.loads(json.dumps(body))
    assert "the simplest of them" in sweep_text(body)


def test_the_same_sweep_does_nothing_anew_and_says_the_same(place: Path) -> None:
    fields = {"retrieve.limit": [1, 2]}
    first, again = run(place, fields), run(place, fields)
    assert not any(again["work"].values())
    for part in ("selection", "confirmation", "questions", "merged"):
        assert again[part] == first[part]


def test_changing_only_the_packer_searches_and_embeds_nothing(place: Path) -> None:
    run(place, {"retrieve.limit": [2], "pack.tokens": [400]}, margin=1)
    work = run(place, {"retrieve.limit": [2], "pack.tokens": [300]}, "other", margin=1)["work"]
    assert {k: work[k] for k in ("encodes", "searches", "writes")} == {"encodes": 0, "searches": 0, "writes": 0}


def test_one_configuration_is_kept(place: Path) -> None:
    body = run(place, {})
    assert (body["configs"], body["selection"]["tied"], body["confirmation"]["verdict"]) == (["base"], ["base"], "keep_base")
    assert body["confirmation"]["means"]["base"]["confirmation"] is not None


CHATTY = {**BASE, "answer": "generative", "models": {"encoder": "hashing-64", "chat": "parrot"}}


def test_what_the_budget_does_not_cover_is_left_out_and_listed_and_the_rest_is_done(place: Path) -> None:
    body = run(place, {"answer": {"asks": "generative"}}, base={**BASE, "models": CHATTY["models"]}, budget={"calls": 10})
    assert list(body["selection"]["rows"]) == ["base"]
    assert "calls needed" in body["left_out"]["select"]["answer=asks"]
    assert body["budget"]["spent"]["calls"] == 0
    assert "left out of select: answer=asks: not begun" in sweep_text(body)
    assert not (place / "out" / "select" / "answer=asks" / "lock.json").exists()


def test_with_enough_budget_the_calls_spent_are_within_the_estimate_that_admitted_them(place: Path) -> None:
    body = run(place, {"answer": {"asks": "generative"}}, base={**BASE, "models": CHATTY["models"]}, budget={"calls": 1000})
    spent = body["budget"]["spent"]["calls"]
    assert len(body["selection"]["rows"]) == 2
    assert spent == 25 * (1 + ("answer=asks" in body["selection"]["tied"])), "12 questions, timed once more, and one before the clock starts"


def test_no_configuration_within_the_budget_is_an_error(place: Path) -> None:
    with pytest.raises(ConfigError, match="not one configuration could be measured"):
        run(place, {}, base=CHATTY, budget={"calls": 3})


def test_the_meter_stops_the_call_after_the_last_one_and_the_clock_stops_the_next_question() -> None:
    runtime = Metered(Meter(Budget(calls=2)), Memo(), show_progress=False)
    requests = [Request((Message("user", f"Question: {i}"),), "answer") for i in range(3)]
    with pytest.raises(OverBudget, match="2 calls"):
        runtime.complete(Parrot(), requests)
    assert runtime.meter.calls == 2
    with pytest.raises(OverBudget):
        runtime.unmemoised().complete(Parrot(), requests[:1])
    now = [0.0]
    clocked = Metered(Meter(Budget(seconds=5), clock=lambda: now[0]), Memo(), show_progress=False)
    seen = []
    asked = clocked.track(range(9), "", 9)
    for _ in range(3):
        seen.append(next(asked))
        now[0] += 2
    with pytest.raises(OverBudget, match="5 seconds"):
        next(asked)
    assert seen == [0, 1, 2]


def test_money_needs_prices(place: Path) -> None:
    chat = {"use": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"}
    with pytest.raises(ConfigError, match="needs price_in and price_out"):
        run(place, {}, base={**CHATTY, "models": {"encoder": "hashing-64", "chat": chat}}, budget={"money": 1})


@pytest.mark.parametrize("text", ["calls", "calls=x", "calls=1.5", "cals=3", "seconds=-1", "money=inf", "money=nan"])
def test_a_budget_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="budget"):
        Budget().limited([text])


def test_limits_given_replace_those_of_the_matrix() -> None:
    assert Budget(calls=3, seconds=9.0).limited(["calls=5", "money=0.5"]) == Budget(5, 9.0, 0.5)
