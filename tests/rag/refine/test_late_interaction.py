"""Reranking by late interaction: the formula against plain loops, its two ends, cap, ties and what is encoded."""

from __future__ import annotations

import numpy as np
import pytest

from rag.refine.late_interaction import LateInteraction
from rag.types import Chunk, Hit, Query, Span

QUERY = Query("fox dog")
TEXTS = ["tree bird", "a fox", "dog and fox", "dog!", "cat"]


def hits(*texts, scores=None):
    """Return hits in this order with falling scores; ids fall as places rise."""
    scores = scores or [9.0 - n * n for n in range(len(texts))]
    return tuple(Hit(Chunk(f"{99 - n:02d}", Span(f"{n}.md", 0, len(t)), t, t), scores[n], "bm25") for n, t in enumerate(texts))


def refine(reader, found=None, query=QUERY, **fields):
    return LateInteraction(**{"model": "hashing-64", **fields}).refine(hits(*TEXTS) if found is None else found, query, reader)


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index({"a.md": "text"}) as index:
        yield index.reader(index.pipeline)


def loops(reader, found, text, blend):
    """Return ids and scores by the formula, one number at a time."""
    question, *passages = reader.runtime.token_vectors("hashing-64", [text, *(h.chunk.index_text for h in found)])
    near = []
    for passage in passages:
        total = 0.0
        for a in question:
            total += max(float(np.dot(a.astype(np.float64), b.astype(np.float64))) for b in passage)
        near.append(total / len(question))
    before = [h.score for h in found]
    mixed = [
        blend * (n - min(near)) / (max(near) - min(near)) + (1 - blend) * (s - min(before)) / (max(before) - min(before))
        for n, s in zip(near, before, strict=True)
    ]
    return sorted(((h.chunk.id, m) for h, m in zip(found, mixed, strict=True)), key=lambda p: (-p[1], p[0]))


@pytest.mark.parametrize("blend", [0.0, 0.3, 0.5, 1.0])
def test_scores_are_those_of_plain_loops(reader, blend):
    found = refine(reader, blend=blend)
    expected = loops(reader, hits(*TEXTS), QUERY.text, blend)
    assert [h.chunk.id for h in found.hits] == [i for i, _ in expected]
    assert [h.score for h in found.hits] == pytest.approx([s for _, s in expected], abs=1e-6)
    assert {h.source for h in found.hits} == {"late_interaction"}


def test_alone_it_puts_first_what_holds_most_words_of_the_question(reader):
    found = refine(reader, blend=1.0)
    assert found.hits[0].chunk.text == "dog and fox"
    assert {h.chunk.text for h in found.hits[1:3]} == {"a fox", "dog!"}
    assert found.step.facts["maxsim"][0] == pytest.approx(1, abs=1e-3)
    assert found.step.facts["maxsim"] == sorted(found.step.facts["maxsim"], reverse=True)


def test_without_a_say_it_keeps_the_order_that_came_in(reader):
    assert [h.chunk.text for h in refine(reader, blend=0.0).hits] == TEXTS


def test_at_most_limit_come_out_and_what_lies_beyond_the_candidates_is_dropped(reader):
    assert refine(reader, limit=2).hits == refine(reader).hits[:2]
    found = refine(reader, candidates=2, blend=1.0)
    assert [h.chunk.text for h in found.hits] == ["a fox", "tree bird"]
    assert (found.step.facts["in"], found.step.facts["compared"]) == (5, 2)


def test_equal_scores_are_ordered_by_id(reader):
    found = refine(reader, hits("fox", "fox", "fox", scores=[1.0, 1.0, 1.0]))
    assert [(h.chunk.id, h.score) for h in found.hits] == [("97", 1.0), ("98", 1.0), ("99", 1.0)]


def test_a_question_without_words_leaves_the_order_to_what_came_in(reader):
    for text in ("", "?!"):
        assert [h.chunk.text for h in refine(reader, query=Query(text)).hits] == TEXTS


def test_a_passage_is_encoded_once_for_all_questions(reader):
    texts = ["wholly new words", "other new words"]
    before = reader.runtime.work.encodes
    refine(reader, hits(*texts), Query("first question"))
    assert reader.runtime.work.encodes == before + 3
    refine(reader, hits(*texts), Query("second question"))
    assert reader.runtime.work.encodes == before + 4


def test_no_hits_load_no_encoder(reader):
    found = refine(reader, (), model="no such model")
    assert (found.hits, found.step.facts["compared"]) == ((), 0)


def test_the_model_is_that_of_the_pipeline_where_none_is_named(lab):
    assert lab.pipeline(refine=["late_interaction"]).refine[0].model == "hashing-64"
