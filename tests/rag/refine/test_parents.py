"""Small to search, large to read: unique recorded parents in the order of their best children."""

from __future__ import annotations

import pytest

from rag.refine.parents import Parents
from rag.types import Chunk, Hit, Query, Span

TEXT = "# One\n\nAlpha cat sat here. Beta cat ran there. Gamma cat hid.\n\n# Two\n\nDelta dog barked. Epsilon dog slept. Zeta dog ate.\n"
CHUNK = {"use": "parent", "child": {"use": "sentence", "size": 6}, "parent": {"use": "markdown", "size": 60, "merge": False}}


@pytest.fixture(scope="module")
def found(lab):
    pipeline = lab.pipeline("bm25", CHUNK)
    with lab.index({"a.md": TEXT, "b.md": TEXT.replace("cat", "fox")}, pipeline) as index:
        reader = index.reader(pipeline)
        yield pipeline.search(index, "cat dog fox")[0], reader


def refine(hits, reader, limit=20):
    return Parents(limit).refine(hits, Query("q"), reader)


def test_every_parent_once_at_the_rank_score_and_id_of_its_best_child(found):
    hits, reader = found
    assert len({h.chunk.parent for h in hits}) < len(hits)
    expected = {}
    for hit in hits:
        expected.setdefault(hit.chunk.parent, hit)
    refined = refine(hits, reader).hits
    assert [(h.chunk.span, h.chunk.id, h.score) for h in refined] == [(span, h.chunk.id, h.score) for span, h in expected.items()]
    assert {h.source for h in refined} == {"parents"}


def test_the_text_is_the_recorded_parent_cut_from_the_document(found):
    hits, reader = found
    for hit in refine(hits, reader).hits:
        span = hit.chunk.span
        text = TEXT if span.doc_id == "a.md" else TEXT.replace("cat", "fox")
        assert hit.chunk.text == text[span.start : span.end] == hit.chunk.index_text
        assert hit.chunk.parent is None
        assert span in {h.chunk.parent for h in hits}


def test_the_limit_counts_parents_and_not_children(found):
    hits, reader = found
    every = refine(hits, reader).hits
    for limit in (1, 2, len(every)):
        assert refine(hits, reader, limit).hits == every[:limit]


def test_a_hit_without_a_parent_stays_as_it_is_and_is_not_doubled_by_a_parent_of_its_span(found):
    _, reader = found
    plain = Hit(Chunk("i", Span("a.md", 0, 5), TEXT[:5], TEXT[:5]), 2.0, "bm25")
    child = Hit(Chunk("j", Span("a.md", 2, 5), TEXT[2:5], TEXT[2:5], Span("a.md", 0, 5)), 1.0, "bm25")
    other = Hit(Chunk("k", Span("a.md", 7, 9), TEXT[7:9], TEXT[7:9]), 0.5, "bm25")
    assert refine((plain, child, other), reader).hits == (plain, other)


def test_no_hits_no_parents(found):
    refined = refine((), found[1])
    assert refined.hits == ()
    assert refined.step.facts == {"in": 0, "hits": 0, "ids": [], "scores": []}


def test_the_step_says_how_many_went_in(found):
    hits, reader = found
    step = refine(hits, reader, 2).step
    assert (step.stage, step.use, step.facts["in"], step.facts["hits"]) == ("refine", "parents", len(hits), 2)
