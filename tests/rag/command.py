"""What the tests of the command line share: five short documents, two configurations, and the command itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rag.cli import app
from rag.shell import run

BM25 = "chunk: {use: fixed, size: 64}\nretrieve: {use: bm25, limit: 20}\nanswer: {use: extractive, blend: 0}\nindex: {max_document_mb: 0.01}\n"
HYBRID = "chunk: {use: fixed, size: 64}\nretrieve: {use: rrf, of: [bm25, dense]}\nmodels: {encoder: hashing-64}\n"
DOCUMENTS = {
    "cache.md": "---\nteam: red\nyear: 2024\n---\n# Caching\n\nA prefix cache keeps the keys and values of a shared prompt. It saves time and money.\n",
    "chunk.md": "# Chunking\n\nSmall chunks are found more precisely. Large chunks give the model more context.\n",
    "deep/rank.md": "---\nteam: blue\n---\n# Ranking\n\nReciprocal rank fusion adds one over sixty plus the rank. It needs no scores.\n",
    "index.md": "# Indexes\n\nHNSW is a graph of neighbours. An inverted file cuts the space into cells.\n",
    "odd name é.md": "# Überschrift\n\nEin Satz über Größe. A bell \x07 and a colour \x1b[31m and a C1 control \x9b in the text.\n",
}


@dataclass
class Done:
    """What one command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the one JSON object of a success, with nothing beside it."""
        assert self.code == 0
        assert self.err == ""
        assert self.out.count("\n") == 1
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def error(self) -> str:
        """Return the one line of a failure, with nothing beside it."""
        assert self.out == ""
        assert self.err.count("\n") == 1
        assert self.err.startswith("error: ")
        assert "Traceback" not in self.err
        return self.err.removeprefix("error: ").rstrip("\n")


Rag = Callable[..., Done]


@pytest.fixture
def rag(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Rag:
    """Return the command, run in a directory and with a memo of its own."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "memo"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["rag", *arguments])
        code = run(app)
        return Done(code, *capsys.readouterr())

    return call


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Return a folder of five short documents, beside two configurations."""
    for name, text in DOCUMENTS.items():
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "bm25.yaml").write_text(BM25)
    (tmp_path / "hybrid.yaml").write_text(HYBRID)
    return tmp_path / "docs"


@pytest.fixture(params=["bm25", "hybrid"])
def index(request: pytest.FixtureRequest, rag: Rag, corpus: Path) -> str:
    """Return the directory of an index of the five documents, by keyword search and by both legs."""
    assert rag("index", "docs", "-c", f"{request.param}.yaml", "-i", "ix").code == 0
    return "ix"


@pytest.fixture
def bm25(rag: Rag, corpus: Path) -> str:
    """Return the directory of an index of the five documents by keyword search."""
    assert rag("index", "docs", "-c", "bm25.yaml", "-i", "ix").code == 0
    return "ix"


def counts(body: dict[str, Any]) -> tuple[int, ...]:
    """Return how many documents were added, updated, unchanged, deleted."""
    return tuple(body[k] for k in ("added", "updated", "unchanged", "deleted"))
