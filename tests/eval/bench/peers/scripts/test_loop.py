"""The naive loop and the run do the same work: every mean of every metric is the same."""

import json

import numpy as np
import pytest

from eval.bench.peers.grid import check
from eval.bench.peers.inputs import Inputs
from eval.bench.peers.process import Failed
from eval.bench.peers.scripts.loop import Grid, Nothing

TEXTS = {
    "cache.md": "A prefix cache keeps keys and values of a prompt. It saves time for long prompts.",
    "rank.md": "Reciprocal rank fusion adds reciprocal ranks. Its constant is 60.",
    "chunk.md": "Chunks overlap so that sentences are not lost. Overlap costs space.",
}
ROWS = [
    {"id": "q1", "text": "What does a prefix cache keep?", "evidence": [{"doc": "cache.md", "quote": "keeps keys and values"}], "answers": ["Keys."]},
    {"id": "q2", "text": "Which constant has rank fusion?", "evidence": [{"doc": "rank.md", "quote": "constant is 60"}], "answers": ["60"]},
]
MATRIX = """
base: {chunk: whole, models: {encoder: hashing-64}, retrieve: bm25}
matrix:
  retrieve: {words: {use: bm25, limit: 2}, vectors: {use: dense, limit: 2}}
"""


@pytest.fixture
def options(tmp_path, monkeypatch):
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "docs").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "docs" / name).write_text(text, encoding="utf-8")
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in ROWS), encoding="utf-8")
    (tmp_path / "grid.yaml").write_text(MATRIX, encoding="utf-8")
    paths = {"matrix": tmp_path / "grid.yaml", "corpus": tmp_path / "docs", "questions": tmp_path / "questions.jsonl"}
    return {**{k: str(v) for k, v in paths.items()}, "limit": 2, "warm": False}


def test_the_loop_finds_what_the_run_finds(options, tmp_path):
    none = np.zeros((0, 384), dtype=np.float32)
    given = Inputs([], none, [], none, "")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    naive = Grid(given, tmp_path / "a", {**options, "way": "naive"}).index()
    kept = Grid(given, tmp_path / "a", {**options, "way": "kept"}).index()
    ours = Grid(given, tmp_path / "b", options).index()
    check(naive["parts"], ours["parts"])
    check(kept["parts"], ours["parts"])
    assert naive["chunks"] == ours["chunks"] == 2
    assert naive["costs"].keys() == naive["parts"].keys()
    assert naive["parts"].keys() == {"retrieve=words", "retrieve=vectors"}
    assert naive["parts"]["retrieve=words"]["span_recall"] == 1.0
    with pytest.raises(Failed, match="span_recall"):
        check({**naive["parts"], "retrieve=words": {**naive["parts"]["retrieve=words"], "span_recall": 0.5}}, ours["parts"])


def test_the_run_times_nothing_as_the_loop_does_unless_it_is_told_to(options, tmp_path):
    """Else the one does work that the other does not."""
    none = np.zeros((0, 384), dtype=np.float32)
    for name, given, sample in (("bare", {}, 0), ("timed", {"latency_questions": None}, 2)):
        (tmp_path / name).mkdir()
        Grid(Inputs([], none, [], none, ""), tmp_path / name, {**options, **given}).index()
        locks = [json.loads(p.read_text()) for p in (tmp_path / name / "out").glob("*/lock.json")]
        assert [lock["latency"]["sample"] for lock in locks] == [sample] * 2


def test_the_loop_remembers_nothing_and_the_dearest_alone_finds_its_index(options, tmp_path):
    none = np.zeros((0, 384), dtype=np.float32)
    grid = Grid(Inputs([], none, [], none, ""), tmp_path, {**options, "way": "parts", "dearest": "retrieve=vectors"})
    assert grid.index()["costs"].keys() == {"indexes", "dearest"}
    assert len(list((tmp_path / "cache" / "indexes").iterdir())) == 2  # that of both configurations, which cut alike, and that of the one alone
    nothing = Nothing()
    nothing.put_many({"k": b"v"})
    assert nothing.get_many(["k"]) == {}
