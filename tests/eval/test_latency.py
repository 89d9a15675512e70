"""The latency sample: spread questions, asked with nothing remembered, one of them before the clock starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.latency import SAMPLE, measure
from eval.questions import Question
from rag.config import parse
from rag.index.build import build
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Document

QUESTIONS = [Question(f"q{i}", f"What is fox {i}?") for i in range(30)]


def test_a_sample_is_asked_anew_for_every_pipeline_on_one_opened_index(tmp_path):
    pipeline = parse({"chunk": "whole", "models": {"encoder": "hashing-64"}, "retrieve": "bm25"})
    documents = [Loaded(Document(f"d{i}", f"Number {i} is a text about fox {i}."), Path("corpus")) for i in range(30)]
    runtime = Runtime(Memo(), show_progress=False)
    build(tmp_path / "index", pipeline, documents, [Path("corpus")], runtime)
    with Index.open(tmp_path / "index", runtime.unmemoised()) as fresh:
        for turn in (1, 2):
            found = measure(pipeline, fresh, QUESTIONS)
            assert fresh.runtime.work.searches == turn * (SAMPLE + 1)
            assert len(found["questions"]) == found["sample"] == SAMPLE
            assert found["stages"].keys() == {"retrieve", "pack", "answer", "total"}
            assert all(0 <= s["p50"] <= s["p95"] for s in found["stages"].values())
            assert found["stages"]["total"]["p50"] == pytest.approx(sorted(found["questions"].values())[SAMPLE // 2], abs=1e-3)
