"""Auto-merge: what becomes its parent, what is joined, and that merging again changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.refine.merge import Merge
from rag.types import Chunk, Hit, Query, Span

TEXT = "aaaa bbbb cccc dddd eeee    ffff gggg hhhh iiii jjjj"


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index({"a.md": TEXT, "b.md": TEXT}) as index:
        yield index.reader(index.pipeline)


def hit(start, end, score=1.0, parent=None, doc="a.md", name=None):
    up = Span(doc, *parent) if parent else None
    return Hit(Chunk(name or f"{doc}:{start}", Span(doc, start, end), TEXT[start:end], TEXT[start:end], up), score, "bm25")


def ranges(found):
    return [(h.chunk.id, h.chunk.span.start, h.chunk.span.end, h.score) for h in found.hits]


def test_hits_that_hold_their_share_of_a_parent_become_it(reader):
    """Of the 14 characters of the parent `aaaa bbbb cccc` two hits hold 8, which is .57."""
    hits = (hit(5, 9, 3.0, (0, 14)), hit(41, 43, 2.0), hit(0, 4, 1.0, (0, 14)))
    found = Merge(share=0.57, gap=0).refine(hits, Query("q"), reader)
    assert ranges(found) == [("a.md:5", 0, 14, 3.0), ("a.md:41", 41, 43, 2.0)]
    assert found.hits[0].chunk.text == TEXT[:14]
    assert found.hits[0].chunk.parent is None
    assert (found.step.facts["parents"], found.step.facts["joined"]) == (1, 1)
    apart = Merge(share=0.58, gap=0).refine(hits, Query("q"), reader)
    assert ranges(apart) == [("a.md:5", 5, 9, 3.0), ("a.md:41", 41, 43, 2.0), ("a.md:0", 0, 4, 1.0)]
    assert apart.hits == hits, "what is not merged stays as it is"


def test_characters_that_two_hits_share_count_once(reader):
    """[0, 4) and [2, 6) hold 6 of 14."""
    hits = (hit(0, 4, 2.0, (0, 14)), hit(2, 6, 1.0, (0, 14)))
    assert ranges(Merge(share=0.5).refine(hits, Query("q"), reader)) == [("a.md:0", 0, 6, 2.0)]
    assert ranges(Merge(share=0.4).refine(hits, Query("q"), reader)) == [("a.md:0", 0, 14, 2.0)]


def test_spans_that_meet_are_joined_over_so_much_white_space(reader):
    hits = (hit(28, 32, 2.0), hit(20, 24, 1.0))
    assert ranges(Merge(gap=4).refine(hits, Query("q"), reader)) == [("a.md:28", 20, 32, 2.0)]
    assert ranges(Merge(gap=3).refine(hits, Query("q"), reader)) == [("a.md:28", 28, 32, 2.0), ("a.md:20", 20, 24, 1.0)]
    assert len(Merge(gap=9).refine((hit(0, 4), hit(6, 9)), Query("q"), reader).hits) == 2, "a letter lies between"
    assert len(Merge(gap=9).refine((hit(0, 4), hit(0, 4, doc="b.md")), Query("q"), reader).hits) == 2, "documents are apart"


def test_a_joined_hit_keeps_the_parent_that_its_parts_share(reader):
    same = Merge(share=1).refine((hit(0, 4, parent=(0, 24)), hit(5, 9, parent=(0, 24))), Query("q"), reader)
    assert same.hits[0].chunk.parent == Span("a.md", 0, 24)
    other = Merge(share=1).refine((hit(0, 4, parent=(0, 24)), hit(5, 9, parent=(0, 30))), Query("q"), reader)
    assert other.hits[0].chunk.parent is None


def test_what_was_merged_may_merge_again(reader):
    """[0, 9) of [0, 9) becomes a parent, meets [10, 14), and the two hold half of ... nothing more: a joined hit of two parents has none."""
    hits = (hit(0, 9, 3.0, (0, 14)), hit(15, 19, 2.0, (15, 24)))
    assert ranges(Merge(share=0.6, gap=1).refine(hits, Query("q"), reader)) == [("a.md:0", 0, 19, 3.0)]
    assert ranges(Merge(share=0.4, gap=1).refine(hits, Query("q"), reader)) == [("a.md:0", 0, 24, 3.0)]


SPANS = st.tuples(st.integers(0, len(TEXT) - 2), st.integers(1, 12), st.integers(0, 6), st.integers(0, 6), st.booleans(), st.sampled_from(["a.md", "b.md"]))


@settings(max_examples=150, deadline=None)
@given(st.lists(SPANS, max_size=8), st.sampled_from([0.2, 0.5, 1.0]), st.integers(0, 5), st.integers(1, 9))
def test_merging_is_idempotent_and_loses_nothing(reader, drawn, share, gap, limit):
    hits = []
    for n, (a, size, left, right, has, doc) in enumerate(drawn):
        b = min(len(TEXT), a + size)
        hits.append(hit(a, b, -float(n), (max(0, a - left), min(len(TEXT), b + right)) if has else None, doc, f"id{n}"))
    merge = Merge(share, gap, limit)
    once = merge.refine(tuple(hits), Query("q"), reader).hits
    assert merge.refine(once, Query("q"), reader).hits == once
    every = Merge(share, gap, 20).refine(tuple(hits), Query("q"), reader).hits
    assert every[:limit] == once
    spans = [h.chunk.span for h in every]
    assert not any(a.overlap(b) for i, a in enumerate(spans) for b in spans[:i])
    assert all(sum(s.overlap(h.chunk.span) for s in spans) == len(h.chunk.span) for h in hits)
    assert [h.score for h in every] == sorted((h.score for h in every), reverse=True)
