"""The latency sample: spread questions, asked with nothing remembered, one of them before the clock starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import eval.latency as latency
from eval.latency import LEAST, SAMPLE, kept, measure, sample, size
from eval.questions import Question
from rag.config import parse
from rag.index.build import build
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Document

QUESTIONS = [Question(f"q{i}", f"What is fox {i}?") for i in range(30)]


PIPELINE = parse({"chunk": "whole", "models": {"encoder": "hashing-64"}, "retrieve": "bm25"})


@pytest.fixture
def fresh(tmp_path):
    """An index of thirty documents, opened with a runtime of its own."""
    documents = [Loaded(Document(f"d{i}", f"Number {i} is a text about fox {i}."), Path("corpus")) for i in range(30)]
    runtime = Runtime(Memo(), show_progress=False)
    build(tmp_path / "index", PIPELINE, documents, [Path("corpus")], runtime)
    with Index.open(tmp_path / "index", runtime.unmemoised()) as index:
        yield index


def test_a_sample_is_asked_anew_for_every_pipeline_on_one_opened_index(fresh):
    for turn in (1, 2):
        found = measure(PIPELINE, fresh, QUESTIONS)
        assert fresh.runtime.work.searches == turn * (SAMPLE + 1)
        assert len(found["questions"]) == found["sample"] == SAMPLE
        assert found["wanted"] is None
        assert found["stages"].keys() == {"retrieve", "pack", "answer", "total"}
        assert all(0 <= s["p50"] <= s["p95"] for s in found["stages"].values())
        assert found["stages"]["total"]["p50"] == pytest.approx(sorted(found["questions"].values())[SAMPLE // 2], abs=1e-3)


@pytest.mark.parametrize(("wanted", "asked"), [(0, 0), (1, 1), (22, 22), (30, 30), (500, 30)])
def test_as_many_are_timed_as_are_wanted_and_there_are(fresh, wanted, asked):
    """One more is asked before the clock starts, but for none at all; each that is timed is told to whoever shows how far it is."""
    told = []
    found = measure(PIPELINE, fresh, QUESTIONS, wanted, lambda picks: (told.append(q) or q for q in picks))
    assert fresh.runtime.work.searches == asked + (asked > 0)
    assert (found["sample"], len(set(found["questions"])), len(told), found["wanted"]) == (asked, asked, asked, wanted)
    assert bool(found["stages"]) == (asked > 0)


def test_only_a_sample_that_nobody_asked_for_ends_when_it_takes_long(fresh, monkeypatch):
    """Who wants so many needs them to decide by, however long it takes."""
    monkeypatch.setattr(latency, "ENOUGH", -1.0)
    assert measure(PIPELINE, fresh, QUESTIONS)["sample"] == LEAST
    assert measure(PIPELINE, fresh, QUESTIONS, 12)["sample"] == 12


@given(st.integers(1, 200), st.one_of(st.none(), st.integers(0, 250)))
def test_the_sample_is_spread_has_no_question_twice_and_ends_with_the_first_and_the_last(n, wanted):
    questions = [Question(f"q{i}", "?") for i in range(n)]
    found = sample(questions, wanted)
    assert len(found) == len({q.id for q in found}) == size(n, wanted) == min(n, SAMPLE if wanted is None else wanted)
    if len(found) > 1:
        assert {"q0", f"q{n - 1}"} <= {q.id for q in found}


def test_times_are_taken_from_a_file_under_its_key_only(tmp_path):
    file = tmp_path / "latency.json"
    for text in (None, "{", "[]", "3", '{"sample": 1}', json.dumps({"sample": 1, "key": "other"})):
        if text is not None:
            file.write_text(text)
        assert kept(file, "mine") is None
    file.write_text(json.dumps({"sample": 1, "key": "mine"}))
    assert kept(file, "mine") == {"sample": 1}
