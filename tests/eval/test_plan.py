"""A plan says what a run would take, and does nothing."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from eval import run
from eval.plan import check_record, plan
from eval.sweep_calls import per_chunk, per_question
from eval.sweep_judge import judge_asks
from eval.sweep_peek import Peek
from eval.sweep_speed import QUESTION, Speeds, measured
from eval.task import prepare
from rag import Runtime
from rag.config import parse
from rag.errors import ConfigError
from rag.loaders.limits import Limits
from rag.memo import Memo

METRICS = ["recall@1", "context_recall"]
PLAIN: dict[str, Any] = {"chunk": "whole", "retrieve": "bm25", "models": {"encoder": "hashing-64"}, "answer": {"use": "extractive", "blend": 0}}
CHAT = {"use": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1", "price_in": 1.0, "price_out": 2.0}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "docs").mkdir()
    rows = []
    for i, word in enumerate(["amber", "birch", "cedar"]):
        (tmp_path / "docs" / f"{word}.md").write_text(f"The {word} costs {i} coins.", encoding="utf-8")
        rows.append({"id": f"q{i}", "text": f"What does the {word} cost?", "evidence": [{"doc": f"{word}.md", "quote": f"costs {i} coins"}]})
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return tmp_path


def planned(place: Path, configs: dict[str, dict[str, Any]], out: str = "out", judge: str = "embedded", latency_questions: int | None = None) -> dict[str, Any]:
    runtime = Runtime(memo=Peek(), show_progress=False)
    pipelines = {n: parse({**PLAIN, **c}) for n, c in configs.items()}
    task = prepare(place / "docs", place / "questions.jsonl", METRICS, judge, None, Limits(), runtime, None, latency_questions)
    folders = [place / out]
    return plan(pipelines, task, judge, folders, runtime, measured(folders))


def test_a_plan_writes_asks_and_opens_nothing(place: Path) -> None:
    before = sorted(p.relative_to(place) for p in place.rglob("*"))
    body = planned(place, {"words": {}, "asks": {"answer": "generative", "models": {"encoder": "hashing-64", "chat": CHAT}}})
    assert sorted(p.relative_to(place) for p in place.rglob("*")) == before
    assert body["total"]["calls"] == 3 + 3 + 1, "three questions, timed once more, and one before the clock starts"
    assert body["configs"]["asks"]["money"] > 0


def test_a_plan_beside_a_memo_leaves_it_as_it_is(place: Path) -> None:
    pipelines = {"words": parse({**PLAIN, "retrieve": "dense"})}
    run(pipelines, place / "docs", place / "questions.jsonl", place / "out", metrics=METRICS, runtime=Runtime(show_progress=False))
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in place.rglob("*") if p.is_file()}
    planned(place, {"words": {"retrieve": "dense"}, "other": {"retrieve": "bm25"}})
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in place.rglob("*") if p.is_file()} == before


def test_indexes_embeddings_and_legs_are_counted_once_each(place: Path) -> None:
    body = planned(
        place,
        {
            "words": {},
            "both": {"retrieve": {"use": "rrf", "of": ["bm25", "dense"]}},
            "vectors": {"retrieve": "dense"},
            "cut": {"chunk": {"use": "fixed", "size": 5}, "retrieve": "dense"},
        },
    )
    assert [i["configs"] for i in body["indexes"]] == [["words", "both", "vectors"], ["cut"]]
    assert [body["indexes"][0][k] for k in ("cached", "embed", "embedded")] == [False, 3, 0]
    assert body["indexes"][1]["chunks"] > 3
    assert body["embeddings"] == {"questions": 3, "known": 0, "todo": 3}
    assert (body["legs"]["used"], body["legs"]["distinct"]) == (5, 3)


def test_what_is_finished_in_the_cache_or_known_needs_nothing(place: Path) -> None:
    pipelines = {n: parse({**PLAIN, "retrieve": r}) for n, r in (("words", "bm25"), ("vectors", "dense"))}
    run(pipelines, place / "docs", place / "questions.jsonl", place / "out", metrics=METRICS, runtime=Runtime(show_progress=False))
    same = {"words": {}, "vectors": {"retrieve": "dense"}}
    done = planned(place, same)
    assert all(c["finished"] and c["seconds"] == 0 for c in done["configs"].values())
    assert done["indexes"][0]["cached"]
    assert done["embeddings"] == {"questions": 3, "known": 3, "todo": 0}
    elsewhere = planned(place, same, "other")
    assert not any(c["finished"] for c in elsewhere["configs"].values())
    assert elsewhere["indexes"][0]["cached"]
    assert elsewhere["indexes"][0]["seconds"] == 0


def test_times_come_from_locks_of_this_machine_and_else_from_defaults(place: Path) -> None:
    pipelines = {"words": parse(PLAIN)}
    run(pipelines, place / "docs", place / "questions.jsonl", place / "out", metrics=METRICS, runtime=Runtime(show_progress=False))
    lock = json.loads((place / "out" / "words" / "lock.json").read_text())
    found = measured([place / "out"])
    assert found.of(parse(PLAIN)) == (lock["latency"]["stages"]["total"]["p50"] / 1000, True)
    assert found.of(parse({**PLAIN, "retrieve": "dense"}))[1] is False
    lock["latency"]["machine"] = "another"
    (place / "out" / "words" / "lock.json").write_text(json.dumps(lock))
    assert measured([place / "out", place / "nowhere"]) == Speeds()
    assert Speeds().of(parse(PLAIN)) == (QUESTION, False)


@pytest.mark.parametrize(
    ("config", "calls"),
    [
        ({}, 0),
        ({"answer": "generative"}, 1),
        ({"answer": {"use": "generative", "format": "json"}}, 2),
        ({"retrieve": {"use": "multi_query", "n": 3, "over": {"use": "hyde", "n": 2, "over": "dense"}}}, 2 + 4 * 2),
        ({"retrieve": {"use": "step_back", "over": {"use": "hyde", "over": "dense"}}}, 1 + 2),
        ({"retrieve": {"use": "decompose", "steps": 4, "over": "bm25"}}, 2 * 4),
        ({"answer": {"use": "self_check", "over": "generative"}}, 1),
        ({"answer": {"use": "self_check", "by": "chat", "over": "generative", "retry": "generative"}}, 2 + 2 + 2),
        ({"answer": {"use": "map_reduce", "tokens": 500, "map": "generative", "reduce": "generative"}, "pack": {"use": "budget", "tokens": 1000}}, 4 + 1),
    ],
)
def test_calls_for_a_question_are_read_off_the_stages(config: dict[str, Any], calls: int) -> None:
    pipeline = parse({**PLAIN, **config, "models": {"encoder": "hashing-64", "chat": "parrot"}})
    assert sum(a.calls for a in per_question(pipeline)) == calls
    assert per_chunk(pipeline) == ()


def test_a_chunker_and_a_judge_that_ask_are_counted() -> None:
    pipeline = parse({**PLAIN, "chunk": {"use": "contextual", "by": "chat", "over": "whole"}, "models": {"encoder": "hashing-64", "chat": CHAT}})
    assert [a.calls for a in per_chunk(pipeline)] == [1]
    (asks,) = judge_asks("{use: chat, repeat: 3, chat: {use: openai, model: m, base_url: 'http://127.0.0.1:9/v1', price_in: 1, price_out: 2}}", 2)
    assert asks.calls == 2 * 2 * 3
    assert asks.money == pytest.approx(asks.calls * (asks.prompt + 2 * asks.reply) / 1e6)
    assert judge_asks("embedded", 2) == []


def test_a_peek_reads_what_is_kept_also_while_another_writes_and_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "memo.sqlite"
    memo = Memo(file)
    memo.put_many({"a": b"1"})
    peek = Peek(file)
    assert peek.get_many(["a", "b"]) == {"a": b"1"}
    peek.put_many({"b": b"2"})
    assert peek.known(["a", "b", "c"]) == 2
    peek.close()
    memo.close()
    before = sorted(tmp_path.iterdir())
    closed = Peek(file)
    assert closed.get_many(["a", "b"]) == {"a": b"1"}
    closed.close()
    assert sorted(tmp_path.iterdir()) == before
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT COUNT(*) FROM memo").fetchone() == (1,)
    db.close()


@pytest.mark.parametrize(("wanted", "timed"), [(None, 3), (0, 0), (2, 2), (99, 3)])
def test_a_plan_tells_the_cost_of_the_sample_that_the_run_times(place: Path, wanted: int | None, timed: int) -> None:
    """And finds finished what was timed so, and nothing else."""
    configs = {"words": {}, "asks": {"answer": "generative", "models": {"encoder": "hashing-64", "chat": CHAT}}}
    body = planned(place, configs, latency_questions=wanted)
    assert [c["timed"] for c in body["configs"].values()] == [timed, timed]
    assert body["configs"]["asks"]["calls"] == 3 + timed + (timed > 0)
    run(
        {"words": parse(PLAIN)}, place / "docs", place / "questions.jsonl", place / "out", metrics=METRICS, latency_questions=wanted,
        runtime=Runtime(show_progress=False),
    )  # fmt: skip
    for other in (None, 0, 1, 3):
        same = other == wanted or (other, wanted) == (3, 99)
        assert planned(place, {"words": {}}, latency_questions=other)["configs"]["words"]["finished"] == same


def test_a_file_for_recordings_is_looked_at_and_left(tmp_path: Path) -> None:
    """What a run could not add to is refused; nothing is made."""
    check_record(tmp_path / "new" / "said.jsonl")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "said.jsonl").write_text('{"task": "t", "subject": "s", "text": "x"}')
    check_record(tmp_path / "said.jsonl")
    assert (tmp_path / "said.jsonl").read_text() == '{"task": "t", "subject": "s", "text": "x"}'
    (tmp_path / "no.jsonl").write_text("no JSON\n")
    with pytest.raises(ConfigError, match=r"no\.jsonl:1: no JSON"):
        check_record(tmp_path / "no.jsonl")
    with pytest.raises(ConfigError, match="recordings cannot be read"):
        check_record(tmp_path)
    with pytest.raises(ConfigError, match="recordings cannot be written; check the path after --record"):
        check_record(tmp_path / "said.jsonl" / "below.jsonl")
