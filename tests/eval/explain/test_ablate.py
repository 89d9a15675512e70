"""Variants of a pipeline: each differs in one part, and none is missing."""

from __future__ import annotations

import pytest

from eval.explain.ablate import ablations
from rag.config import dump, load, parse


def variants(**data):
    return {a.name: (a.what, dump(a.pipeline)) for a in ablations(parse({"chunk": "whole", "pack": {"use": "stuff", "tokens": 1_000_000}, **data}))}


def test_a_shipped_configuration_gives_every_part():
    found = {a.name: a.what for a in ablations(load("configs/hybrid_parents.yaml"))}
    assert found == {"whole documents": "chunk", "only bm25": "fusion", "only dense": "fusion", "without parents": "refine", "without budget": "pack"}


def test_each_refiner_is_left_out_alone():
    found = variants(retrieve="bm25", refine=["merge", "parents", "merge"])
    assert {name: [r["use"] for r in body["refine"]] for name, (_, body) in found.items()} == {
        "without merge 1": ["parents", "merge"],
        "without parents": ["merge", "merge"],
        "without merge 2": ["merge", "parents"],
    }


def test_of_three_legs_each_stands_alone_and_each_is_left_out_with_its_weight():
    legs = [{"use": "bm25"}, {"use": "dense", "model": "hashing-16"}, {"use": "rank_bm25"}]
    found = variants(retrieve={"use": "rrf", "of": legs, "weights": [1, 2, 3]})
    assert list(found) == ["only bm25", "without bm25", "only dense", "without dense", "only rank_bm25", "without rank_bm25"][::2] + [
        "without bm25",
        "without dense",
        "without rank_bm25",
    ]
    what, body = found["without dense"]
    assert (what, [leg["use"] for leg in body["retrieve"]["of"]], body["retrieve"]["weights"]) == ("leg", ["bm25", "rank_bm25"], [1.0, 3.0])


def test_what_is_around_a_fusion_stays_and_is_itself_left_out():
    inner = {"use": "rrf", "of": ["bm25", "rank_bm25"]}
    found = variants(retrieve={"use": "filtered", "where": "lang = en", "over": {"use": "prf", "over": inner}})
    assert {name: body["retrieve"]["use"] for name, (_, body) in found.items()} == {
        "without filtered": "prf",
        "without prf": "filtered",
        "only bm25": "filtered",
        "only rank_bm25": "filtered",
    }
    assert found["only bm25"][1]["retrieve"]["over"]["over"]["use"] == "bm25"
    assert found["without prf"][1]["retrieve"]["over"]["use"] == "rrf"


def test_a_route_gives_way_to_its_last_choice_and_a_header_to_plain_chunks():
    route = {"use": "route", "routes": [{"when": {"longer_than": 3}, "retrieve": "bm25"}], "otherwise": "rank_bm25"}
    found = variants(chunk={"use": "contextual", "over": {"use": "fixed"}}, retrieve=route)
    assert {name: body["chunk"]["use"] for name, (_, body) in found.items()} == {
        "whole documents": "whole",
        "without contextual": "fixed",
        "without route": "contextual",
    }
    assert found["without route"][1]["retrieve"]["use"] == "rank_bm25"


@pytest.mark.parametrize("data", [{"retrieve": "bm25"}, {"retrieve": {"use": "rrf", "of": ["bm25"]}}])
def test_a_pipeline_with_nothing_to_leave_out_has_no_variants(data):
    assert variants(**data) == {}
