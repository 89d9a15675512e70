"""Reranking by a cross-encoder: order, cap, ties, calibration and what the step says, with the stand-in `overlap`."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rag.config import parse
from rag.errors import ConfigError, ModelError
from rag.fingerprint import key
from rag.refine.cross_encoder import CrossEncoder
from rag.types import Chunk, Hit, Query, Span

QUERY = Query("fox dog bird cat")
TEXTS = ["nothing", "a fox", "bird, cat, dog and FOX", "dog bird"]  # shares 0, 1/4, 1, 2/4


def hits(*texts, index_texts=None):
    """Return hits in this order with falling scores; ids fall as places rise, so that order by id is not order by place."""
    return tuple(Hit(Chunk(f"{99 - n:02d}", Span(f"{n}.md", 0, len(t)), t, (index_texts or texts)[n]), 9.0 - n, "bm25") for n, t in enumerate(texts))


def refine(reader, found=None, query=QUERY, **fields):
    return CrossEncoder(**{"model": "overlap", "calibration": "raw", **fields}).refine(hits(*TEXTS) if found is None else found, query, reader)


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index({"a.md": "text"}) as index:
        yield index.reader(index.pipeline)


def test_hits_are_ordered_by_the_score_of_the_pair(reader):
    found = refine(reader)
    assert [(h.chunk.text, h.score, h.source) for h in found.hits] == [(TEXTS[n], s, "cross_encoder") for n, s in ((2, 1.0), (3, 0.5), (1, 0.25), (0, 0.0))]
    assert [h.score for h in hits(*TEXTS)] == [9.0, 8.0, 7.0, 6.0]  # what came in is left alone


def test_at_most_limit_come_out(reader):
    assert refine(reader, limit=2).hits == refine(reader).hits[:2]


def test_hits_beyond_the_candidates_are_neither_scored_nor_kept(reader):
    before = reader.runtime.work.pairs
    found = refine(reader, query=Query("fox bird zebra"), candidates=2)
    assert reader.runtime.work.pairs == before + 2
    assert [h.chunk.text for h in found.hits] == ["a fox", "nothing"]
    assert (found.step.facts["in"], found.step.facts["scored"]) == (4, 2)


def test_equal_scores_are_ordered_by_id(reader):
    found = refine(reader, hits("fox", "fox!", "Fox?"))
    assert [h.chunk.id for h in found.hits] == ["97", "98", "99"]


def test_the_index_text_is_what_is_scored(reader):
    found = refine(reader, hits("fox dog", "plain", index_texts=["plain", "header: fox dog bird"]))
    assert [(h.chunk.text, h.score) for h in found.hits] == [("plain", 0.75), ("fox dog", 0.0)]


def test_calibrations_by_formula(reader):
    """The raw scores are 1, .5, .25 and 0."""
    for fields, curve in (
        ({"calibration": "raw"}, lambda x: x),
        ({"calibration": "sigmoid"}, lambda x: 1 / (1 + math.exp(-x))),
        ({"calibration": "platt", "a": 3.0, "b": -2.0}, lambda x: 1 / (1 + math.exp(-(3 * x - 2)))),
    ):
        assert [h.score for h in refine(reader, **fields).hits] == pytest.approx([curve(x) for x in (1, 0.5, 0.25, 0)])


def test_where_a_calibration_is_flat_the_order_is_still_that_of_the_raw_scores(reader):
    found = refine(reader, calibration="platt", a=1e6, b=1e6)
    assert {h.score for h in found.hits} == {1.0}
    assert [h.chunk.text for h in found.hits] == [TEXTS[n] for n in (2, 3, 1, 0)]


def test_a_calibration_is_refused_where_it_would_not_be_used():
    with pytest.raises(ValueError, match="a and b belong to calibration: platt"):
        CrossEncoder(a=2.0)
    with pytest.raises(ValueError, match="a must be more than 0"):
        CrossEncoder(calibration="platt", a=0.0)


def test_the_step_counts_tokens_and_pairs_that_were_cut(reader):
    """Of eight words a pair, four are the question's; the last text has five words, of which the last is not read."""
    found = refine(reader, hits("fox", "plain words of four", "plain words are here fox"), max_tokens=8)
    assert [h.score for h in found.hits] == [0.25, 0.0, 0.0]
    assert {k: found.step.facts[k] for k in ("scored", "tokens", "truncated")} == {"scored": 3, "tokens": 5 + 8 + 8, "truncated": 1}


def test_a_pair_is_scored_once_however_often_it_is_asked(reader):
    before = reader.runtime.work.pairs
    assert refine(reader, query=Query("once only")).hits == refine(reader, query=Query("once only"), batch_tokens=7).hits
    assert reader.runtime.work.pairs == before + 4


def test_no_hits_load_no_model(reader):
    found = refine(reader, (), model="no such model")
    assert found.hits == ()
    assert found.step.facts == {"in": 0, "hits": 0, "ids": [], "scores": [], "scored": 0, "tokens": 0, "truncated": 0}


def test_a_model_that_is_not_there_is_told(reader):
    with pytest.raises(ModelError, match=r"model './missing': no such directory"):
        refine(reader, model="./missing")


def test_a_configuration_loads_without_the_weights(lab):
    part = lab.pipeline(refine=["cross_encoder"]).refine[0]
    assert (part.model, part.precision, part.calibration) == ("cross-encoder/ms-marco-MiniLM-L6-v2", "auto", "sigmoid")
    with pytest.raises(ConfigError, match="choose: auto, float32, bfloat16, int8"):
        parse({"chunk": "whole", "retrieve": "bm25", "refine": [{"use": "cross_encoder", "precision": "float16"}]})


def test_what_changes_a_score_is_in_the_content_key_and_what_does_not_is_not(lab):
    part = CrossEncoder(model="overlap")
    assert lab.runtime.identities(part) == [lab.runtime.pair_scorer("overlap").identity]
    assert lab.runtime.identities(replace(part, max_tokens=9)) == [lab.runtime.pair_scorer("overlap", max_tokens=9).identity]
    assert key(part) == key(replace(part, batch_tokens=1))
    others = [replace(part, precision="int8"), replace(part, max_tokens=9), replace(part, candidates=9), replace(part, calibration="raw")]
    assert len({key(p) for p in (part, *others)}) == 5
