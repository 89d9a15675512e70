"""Makes the folder of a small run out of given values, a real run of hostile documents, and opens pages in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from eval import run
from eval.metrics import parse_all
from eval.questions import Question
from eval.records import question_row, score_rows, write_jsonl
from eval.score import Score
from eval.summary import summarize
from rag import Runtime
from rag.config import parse
from rag.index.manifest import write_json
from rag.types import Span

Value = float | str | None
Run = tuple[dict[str, Any], Path]


def questions(n: int, kinds: Sequence[str], clusters: int) -> list[Question]:
    """Return questions about `clusters` documents in turn, their first tags in turn."""
    return [Question(f"q{i}", f"question {i}", (Span(f"doc{i % clusters}.md", 0, 9),), tags=(kinds[i % len(kinds)],) if kinds else ()) for i in range(n)]


def entry(scores: list[Score], asked: list[Question], metrics: Sequence[str], p50: float | None) -> dict[str, Any]:
    """Return one configuration's part of a summary."""
    timed = {} if p50 is None else {"total": {"p50": p50, "p95": 2 * p50}}
    return {
        "metrics": summarize(scores, asked, parse_all(metrics)), "latency_ms": timed, "latency_sample": 0 if p50 is None else 20,
        "tokens": 100 * len(asked), "seconds": 1.0, "chunks": 7, "over_limit": {}, "context": {"dropped": 3, "cut": 1},
    }  # fmt: skip


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """Return a function: values by configuration, metric and question (a text is the reason for none) to summary and folder."""

    def make(
        values: Mapping[str, Mapping[str, Sequence[Value]]], latency: Mapping[str, float | None] | None = None, kinds: Sequence[str] = ("easy", "hard"),
        clusters: int = 25, failed: Sequence[Mapping[str, str]] = (), where: str = "run",
    ) -> Run:  # fmt: skip
        folder = tmp_path / where
        metrics = list(next(iter(values.values())))
        asked = questions(len(next(iter(next(iter(values.values())).values()))), kinds, clusters)
        configs = {}
        for name, by_metric in values.items():
            scores = []
            for metric, row in by_metric.items():
                scores += [Score(q.id, metric, None, v) if isinstance(v, str) else Score(q.id, metric, v) for q, v in zip(asked, row, strict=True)]
            (folder / name).mkdir(parents=True)
            write_jsonl(folder / name / "scores.jsonl", score_rows(scores))
            write_json(folder / name / "lock.json", {"package": "9.8.7", "latency": {"machine": "test machine"}, "metrics": dict.fromkeys(metrics, 1)})
            configs[name] = entry(scores, asked, metrics, (latency or {}).get(name))
        write_jsonl(folder / "questions.jsonl", [question_row(q) for q in asked])
        summary = {
            "configs": configs, "corpus": {"documents": clusters, "failed": list(failed), "digest": "c0ffee" * 5},
            "questions": {"n": len(asked), "answerable": len(asked) - 1, "digest": "abcdef" * 5}, "judge": {"use": "embedded", "version": 1},
        }  # fmt: skip
        write_json(folder / "summary.json", summary)
        return summary, folder

    return make


class Parsed(HTMLParser):
    """What a browser would see of a page: its tags, its text, and its tables by caption as rows of cell texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._caption, self._inside = "", ""
        self.feed(text)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag in ("small", "div") and self._inside in ("td", "th"):
            self._rows[-1][-1] += " "
        if tag in ("td", "th", "caption", "style", "script"):
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.tables[self._caption] = [[" ".join(c.split()) for c in row] for row in self._rows]
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("style", "script"):
            self.text += data
        if self._inside in ("td", "th"):
            self._rows[-1][-1] += data
        elif self._inside == "caption":
            self._caption += data

    def named(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every such tag."""
        return [attrs for name, attrs in self.tags if name == tag]

    def table(self, words: str) -> list[list[str]]:
        """Return the one table whose caption holds the words."""
        (found,) = (rows for caption, rows in self.tables.items() if words in caption)
        return found


@pytest.fixture
def parse_page() -> Callable[[str], Parsed]:
    """Return the parser of pages."""
    return Parsed


HOSTILE = "</script><img src=x onerror=document.title='owned'><!-- <script>document.title='owned'</script> &lt; \N{LINE SEPARATOR} \N{GRINNING FACE}"
DOCUMENTS = {
    "engine.md": f"{HOSTILE} Falcon engines burn kerosene in every stage. They roar.",
    "wing.md": "Falcon wings are light. Falcon wings are long.",
    "heron.md": "Herons eat fish. Nothing else will do.",
}
ASKED = [
    {
        "id": "top",
        "text": "What do falcon engines burn? <b>x</b>",
        "evidence": [{"doc": "engine.md", "quote": "burn kerosene"}],
        "answers": ["Kerosene."],
        "tags": ["fact", "air"],
    },
    {"id": "second", "text": "Falcon engines?", "evidence": [{"doc": "wing.md", "quote": "wings are light"}], "answers": ["Light wings."], "tags": ["fact"]},
    {"id": "bird", "text": "What do herons eat?", "evidence": [{"doc": "heron.md", "quote": "eat fish"}], "answers": ["Fish."], "tags": ["water"]},
    {"id": "none", "text": "Who is the king?", "evidence": [], "answerable": False, "tags": ["odd"]},
]
_BASE = {"chunk": "whole", "retrieve": "bm25", "models": {"encoder": "hashing-64"}, "answer": {"use": "extractive", "blend": 0, "threshold": 0.0}}
CONFIGS = {"fine": _BASE, "search": {**_BASE, "retrieve": {"use": "bm25", "limit": 1}}, "pack": {**_BASE, "pack": {"use": "budget", "limit": 1}}}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `docs`, `q.jsonl`, `run` and its `cache`: three configurations that lose the evidence of `second` at no stage, search and pack."""
    place = tmp_path_factory.mktemp("report")
    (place / "docs").mkdir()
    for name, text in DOCUMENTS.items():
        (place / "docs" / name).write_text(text, encoding="utf-8")
    (place / "q.jsonl").write_text("".join(json.dumps(q) + "\n" for q in ASKED), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAG_CACHE_DIR", str(place / "cache"))
        pipelines = {name: parse(data) for name, data in CONFIGS.items()}
        metrics = ("span_recall", "recall@5", "token_f1", "faithfulness", "abstention_recall")
        run(pipelines, place / "docs", place / "q.jsonl", place / "run", metrics=metrics, runtime=Runtime(show_progress=False))
    return place


@pytest.fixture
def place(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, with its own cache at hand."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(made / "cache"))
    return made


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser; without one its tests are skipped, unless `RAG_REQUIRE_CHROMIUM` says that they must run."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("RAG_REQUIRE_CHROMIUM") == "1":
            pytest.fail("RAG_REQUIRE_CHROMIUM=1, and there is no chromium on PATH")
        pytest.skip("there is no chromium on PATH")
    return found


@pytest.fixture
def visit(chromium: str, tmp_path: Path) -> Callable[..., str]:
    """Return a function: a page, a fragment and perhaps a script of a tester to the elements of the page after its scripts have run."""

    def look(text: str, fragment: str = "", script: str = "") -> str:
        file = tmp_path / "visited.html"
        if script:  # a guest that the policy of the page would keep out
            text = text.replace('<meta http-equiv="Content-Security-Policy"', '<meta name="was-policy"', 1).replace(
                "</body>", f"<script>{script}</script></body>"
            )
        file.write_text(text, encoding="utf-8")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000"]
        done = subprocess.run([chromium, *flags, "--dump-dom", f"file://{file}{fragment}"], capture_output=True, timeout=300, check=True)
        return done.stdout.decode()

    return look
