"""A replay hands on what the pipeline itself hands on, list by list."""

from __future__ import annotations

import pytest

from eval.explain.opened import open_run
from eval.explain.replay import refiner_names, replay
from rag.config import parse
from rag.runtime import Runtime


@pytest.mark.parametrize("name", ["fine", "fusion", "refine", "pack"])
def test_every_list_is_that_of_the_pipeline(place, name):
    run = open_run(place / "run", [name], place / "docs")
    pipeline = run.pipelines[name]
    with run.index(name, Runtime(show_progress=False)) as index:
        for question in run.questions:
            found, answer = replay(pipeline, index, question.text), pipeline.ask(index, question.text, exact=True)
            last = found.refined[-1] if found.refined else found.fused or found.legs[-1]
            assert last.hits == answer.ranking
            assert found.context == answer.context


def test_legs_are_the_innermost_retrievers_whatever_is_around_them(place):
    run = open_run(place / "run", ["fine"], place / "docs")
    plain = run.pipelines["fine"]
    with run.index("fine", Runtime(show_progress=False)) as index:
        for retrieve, legs, whole in (
            ("bm25", ["bm25"], None),
            ({"use": "filtered", "over": "bm25", "where": "lang = de"}, ["bm25"], "filtered"),
            ({"use": "prf", "over": {"use": "rrf", "of": ["bm25", "rank_bm25"]}}, ["bm25 1", "rank_bm25 1", "bm25 2", "rank_bm25 2"], "prf"),
        ):
            pipeline = parse({"chunk": "whole", "retrieve": retrieve})
            assert pipeline.chunk == plain.chunk
            found = replay(pipeline, index, "falcon engines")
            assert ([leg.name for leg in found.legs], found.fused and found.fused.name) == (legs, whole)


def test_refiners_of_one_name_are_numbered():
    assert refiner_names(parse({"chunk": "whole", "retrieve": "bm25", "refine": ["merge", "merge"]})) == ["refine merge", "refine merge 2"]
