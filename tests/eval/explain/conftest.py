"""A tiny corpus, questions whose evidence is lost where the pipeline says, and a run of a pipeline per stage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval import run
from rag import Runtime
from rag.config import parse

TEXTS = {
    "engine.md": "Falcon engines burn kerosene in every stage.",
    "wing.md": "Falcon wings are light.",
    "heron.md": "Herons eat fish. Nothing else will do.",
    "zebra.md": "Zebra poems rhyme in winter.",
    "zebra_copy.md": "Zebra poems rhyme in winter.",
}
QUESTIONS = [
    {"id": "top", "text": "What do falcon engines burn?", "evidence": [{"doc": "engine.md", "quote": "burn kerosene"}], "answers": ["Kerosene."]},
    {"id": "second", "text": "Falcon engines?", "evidence": [{"doc": "wing.md", "quote": "wings are light"}], "answers": ["Light wings."]},
    {"id": "torn", "text": "What do herons eat?", "evidence": [{"doc": "heron.md", "quote": "Herons eat fish. Nothing else"}], "answers": ["Fish."]},
    {"id": "copy", "text": "What do zebra poems do?", "evidence": [{"doc": d, "quote": "rhyme"} for d in ("zebra.md", "zebra_copy.md")]},
    {"id": "none", "text": "Who is the king?", "evidence": [], "answerable": False},
]
METRICS = ("span_recall", "token_f1", "factual_correctness", "context_tokens")
BASE = {"chunk": "whole", "retrieve": "bm25", "models": {"encoder": "hashing-64"}, "answer": {"use": "extractive", "blend": 0, "threshold": 0.0}}
TWO = [{"use": "bm25"}, {"use": "bm25", "k1": 2.0}]
DATA = {
    "fine": BASE,
    "corpus": {**BASE, "index": {"duplicates": "drop_exact"}},
    "chunk": {**BASE, "chunk": {"use": "sentence", "size": 6}},
    "search": {**BASE, "retrieve": {"use": "bm25", "limit": 1}},
    "fusion": {**BASE, "retrieve": {"use": "rrf", "limit": 1, "of": TWO}},
    "refine": {**BASE, "refine": [{"use": "threshold", "relative": None, "limit": 1}]},
    "pack": {**BASE, "pack": {"use": "budget", "limit": 1}},
}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `docs`, `q.jsonl` and `run`, made once; nothing in it is changed by a test."""
    place = tmp_path_factory.mktemp("explain")
    (place / "docs").mkdir()
    for name, text in TEXTS.items():
        (place / "docs" / name).write_text(text, encoding="utf-8")
    (place / "q.jsonl").write_text("".join(json.dumps(q) + "\n" for q in QUESTIONS), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAG_CACHE_DIR", str(place / "cache"))
        pipelines = {name: parse(data) for name, data in DATA.items()}
        run(pipelines, place / "docs", place / "q.jsonl", place / "run", metrics=METRICS, runtime=Runtime(show_progress=False))
    return place


@pytest.fixture
def place(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, with its own cache at hand."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(made / "cache"))
    return made
