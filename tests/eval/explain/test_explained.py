"""A worked example: a pipeline per stage, each of which loses known evidence at that stage and nowhere else."""

from __future__ import annotations

import json

import pytest

from eval.explain.difference import difference
from eval.explain.explained import explain, stages_of
from eval.explain.opened import open_run
from eval.explain.text import difference_text
from eval.explain.waterfall import waterfall
from rag.config import load, parse
from rag.runtime import Runtime

LOST = {  # what each pipeline loses: question -> (stage, points of span_recall); a list of one hit holds one of two copies
    "fine": {},
    "corpus": {"copy": ("corpus", 0.5)},
    "chunk": {"torn": ("chunk", 13 / 29)},  # of "Herons eat fish. Nothing else" the second sentence; the space between is in no chunk
    "search": {"second": ("search", 1.0), "copy": ("search", 0.5)},
    "fusion": {"second": ("fusion", 1.0), "copy": ("fusion", 0.5)},
    "refine": {"second": ("refine threshold", 1.0), "copy": ("refine threshold", 0.5)},
    "pack": {"second": ("pack", 1.0), "copy": ("pack", 0.5)},
}


def explained(place, name, measure="span_recall"):
    run = open_run(place / "run", [name], place / "docs")
    return run, explain(run, name, measure, Runtime(show_progress=False))


@pytest.mark.parametrize("name", LOST)
def test_a_stage_that_loses_evidence_is_named_with_its_points_and_no_other(place, name):
    _, found = explained(place, name)
    got = {q.question: (stage, q.lost[stage]) for q in found.questions for stage in found.stages if q.lost[stage]}
    assert got == {q: (stage, pytest.approx(p)) for q, (stage, p) in LOST[name].items()}
    assert {q.question: q.stage for q in found.questions if q.stage in found.stages} == {q: stage for q, (stage, _) in LOST[name].items()}


@pytest.mark.parametrize("name", LOST)
def test_what_is_left_is_the_span_recall_of_the_run(place, name):
    run, found = explained(place, name)
    body = waterfall(found, run.clusters)
    figures = json.loads((place / "run" / "summary.json").read_text())["configs"][name]["metrics"]["span_recall"]
    assert body["left"] == pytest.approx(figures["mean"])
    assert body["stages"][-1]["left"] == pytest.approx(body["left"])
    assert sum(s["lost"] for s in body["stages"]) + body["left"] == pytest.approx(1)
    assert sum(o["n"] for o in body["outcomes"]) == body["n"] == 4
    assert body["replayed_otherwise"] == []


def test_a_second_look_computes_nothing_anew(place):
    run = open_run(place / "run", ["fusion"], place / "docs")
    explain(run, "fusion", "span_recall", Runtime(show_progress=False))
    again = Runtime(show_progress=False)
    explain(run, "fusion", "span_recall", again)
    assert set(again.work.as_dict().values()) == {0}


def test_legs_say_what_each_found_and_what_only_it_found(place):
    _, found = explained(place, "fusion")
    (second,) = [q for q in found.questions if q.question == "second"]
    assert second.legs == {"bm25 1": 1.0, "bm25 2": 1.0}
    assert second.alone == {"bm25 1": 0.0, "bm25 2": 0.0}


def test_a_pipeline_against_itself_explains_exactly_nothing(place):
    run, found = explained(place, "pack")
    body = difference(found, found, run.clusters)
    rows = [*body["stages"], body["total"]]
    assert {r[k] for r in rows for k in ("delta", "low", "high", "wins", "losses")} == {0}
    assert body["moved"] == []
    assert {o[k] for o in body["outcomes"] for k in ("delta", "low", "high", "wins", "losses")} == {0}
    assert sum(o["a"] for o in body["outcomes"]) == body["n"] == 4


def test_the_difference_of_two_pipelines_lies_where_they_differ_and_sums_to_the_whole(place):
    run, pack = explained(place, "pack")
    _, torn = explained(place, "chunk")
    body = difference(pack, torn, run.clusters)
    stages = {r["stage"]: r["delta"] for r in body["stages"] if r["delta"]}
    assert stages == {"chunk": pytest.approx(13 / 29 / 4), "pack": pytest.approx(-1.5 / 4)}
    assert sum(r["delta"] for r in body["stages"]) == pytest.approx(body["total"]["delta"])
    moved = [m for m in body["moved"] if "pack" in (m["from"], m["to"])]
    assert {m["to"] for m in moved} == {"pack"}
    assert sum(m["n"] for m in moved) == 2


def test_the_counts_of_outcomes_differ_by_what_moved_with_an_interval_over_documents(place):
    """`pack` shows one hit, and loses two questions there that `chunk` does not. Four documents with differences 0, 0, 1, 1: each flip of
    signs of the two is as likely, so as much as 2 comes in half of the assignments."""
    run, pack = explained(place, "pack")
    _, torn = explained(place, "chunk")
    body = difference(pack, torn, run.clusters)
    (row,) = [o for o in body["outcomes"] if o["stage"] == "pack"]
    assert (row["a"], row["b"], row["delta"], row["wins"], row["losses"], row["p"]) == (2, 0, 2, 2, 0, 0.5)
    assert row["low"] <= 0 < row["high"] <= 4
    back = next(o for o in difference(torn, pack, run.clusters)["outcomes"] if o["stage"] == "pack")
    assert (back["delta"], back["low"], back["high"]) == (-2, -row["high"], -row["low"])
    for o in body["outcomes"]:
        into = sum(m["n"] for m in body["moved"] if m["to"] == o["stage"])
        out_of = sum(m["n"] for m in body["moved"] if m["from"] == o["stage"])
        assert o["delta"] == o["a"] - o["b"] == into - out_of
        assert (o["p_adjusted"] is None) == (into == out_of == 0)
    assert sum(o["delta"] for o in body["outcomes"]) == 0
    lines = difference_text(body).split("\n")
    assert [line.split()[:4] for line in lines if line.startswith("pack ")][-1] == ["pack", "2", "0", "+2"]


def test_stages_are_named_after_refiners_and_second_ones_are_numbered():
    twice = parse({"chunk": "whole", "retrieve": "bm25", "refine": ["merge", "parents", "merge"]})
    assert stages_of(twice) == ("corpus", "chunk", "search", "fusion", "refine merge", "refine parents", "refine merge 2", "pack")
    assert stages_of(load("configs/bm25.yaml"))[-1] == "pack"
