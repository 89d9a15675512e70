"""Compression: which sentences stay, worked by hand; the runs they form; and that every span stays one of its document."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.refine.compress import Compress
from rag.types import Chunk, Hit, Query, Span

TEXT = "The cat sleeps. A dog barks. Rain falls. The cat and the dog eat. Wind blows. Snow melts."
OTHER = "Birds sing. A cat sings too. Fish swim."
TEXTS = {"a.md": TEXT, "b.md": OTHER}


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index(TEXTS) as index:
        yield index.reader(index.pipeline)


def hit(doc="a.md", start=0, end=None, score=1.0, name=None, parent=None):
    text = TEXTS[doc][start:end]
    return Hit(Chunk(name or f"{doc}:{start}", Span(doc, start, start + len(text)), text, text, parent), score, "bm25")


def compressed(reader, *hits, question="cat dog", **fields):
    return Compress(**{"blend": 0, "prior": 0, "model": "no such model", **fields}).refine(hits, Query(question), reader)


def texts(found):
    return [h.chunk.text for h in found.hits]


def test_sentences_near_the_best_stay_as_runs(reader):
    """Held by share of idf: the fourth sentence holds both terms, the first and second one each, which are worth half."""
    assert texts(compressed(reader, hit(), near=0.6)) == ["The cat and the dog eat."]
    assert texts(compressed(reader, hit(), near=0.5)) == ["The cat sleeps. A dog barks.", "The cat and the dog eat."]
    assert texts(compressed(reader, hit(), near=0)) == [TEXT]


def test_runs_keep_score_and_source_names_the_refiner_and_further_ones_have_ids_of_their_own(reader):
    found = compressed(reader, hit(score=0.7, name="x"), near=0.5).hits
    assert [(h.chunk.id, h.score, h.source) for h in found] == [("x", 0.7, "compress"), ("x@41-65", 0.7, "compress")]
    assert found[1].chunk.span == Span("a.md", 41, 65)


def test_a_hit_that_is_kept_whole_stays_as_it_is(reader):
    whole = hit()
    assert compressed(reader, whole, near=0).hits == (whole,)


def test_top_caps_the_sentences_and_context_adds_their_neighbours(reader):
    assert texts(compressed(reader, hit(), near=0.5, top=2)) == ["The cat sleeps.", "The cat and the dog eat."]
    assert texts(compressed(reader, hit(), near=0.6, context=1)) == ["Rain falls. The cat and the dog eat. Wind blows."]
    assert texts(compressed(reader, hit(end=40), hit(start=41), near=0.6, context=1)) == ["The cat and the dog eat. Wind blows."]


def test_support_is_compared_over_all_hits_and_runs_come_in_the_order_of_hits(reader):
    found = compressed(reader, hit("b.md", score=2.0), hit(score=1.0), near=0.3)
    assert texts(found) == ["A cat sings too.", "The cat sleeps. A dog barks.", "The cat and the dog eat."]
    assert texts(compressed(reader, hit("b.md", score=2.0), hit(score=1.0), near=0.6)) == ["The cat and the dog eat."]


def test_the_prior_lifts_the_sentences_of_a_good_hit(reader):
    """With prior .5, `cat` in the hit of share 1 has .5 + .5 x, both terms in the one of share 0 have .5 at most."""
    found = compressed(reader, hit("b.md", score=2.0), hit(score=0.0), prior=0.5, near=0.9)
    assert texts(found) == ["A cat sings too."]


def test_text_of_two_hits_stays_with_the_better_and_is_shown_once(reader):
    """The second hit begins inside the first: what both hold goes with the first, the rest of a cut sentence with the second."""
    found = compressed(reader, hit(start=0, end=48, name="x"), hit(start=29, end=70, name="y"), near=0)
    assert texts(found) == [TEXT[:48], TEXT[49:70]]


def test_a_run_does_not_reach_over_text_that_a_better_hit_has(reader):
    found = compressed(reader, hit(start=29, end=40, name="x", score=2.0), hit(name="y", score=1.0), near=0)
    assert texts(found) == ["Rain falls.", "The cat sleeps. A dog barks.", TEXT[41:]]
    assert [h.chunk.id for h in found.hits] == ["x", "y", "y@41-89"]


def test_cosines_count_by_the_model_of_the_index(lab, reader):
    """The stand-in encoder gives a sentence of just the words of the question a cosine of 1."""
    found = compressed(reader, hit(), question="a dog barks", blend=1, near=0.95, model="hashing-64")
    assert texts(found) == ["A dog barks."]


def test_all_sentences_are_embedded_in_one_call_and_kept(lab, reader):
    fresh = "Only here said thing."
    before = lab.runtime.work.encodes
    compressed(reader, hit(), hit("b.md"), question=fresh, blend=0.5, model="hashing-64")
    first = lab.runtime.work.encodes - before
    compressed(reader, hit(), hit("b.md"), question=fresh, blend=0.5, model="hashing-64")
    assert lab.runtime.work.encodes - before == first <= 10


def test_only_the_pool_is_embedded_and_may_stay(lab, reader):
    """By words alone the fourth sentence is best and the first two come next, in order of the text."""
    before = lab.runtime.work.encodes
    found = compressed(reader, hit(), question="dog with a cat, newly asked", blend=0.5, near=0, pool=2, model="hashing-64")
    assert texts(found) == ["The cat sleeps.", "The cat and the dog eat."]
    assert lab.runtime.work.encodes - before <= 3


def test_hits_beyond_the_depth_are_not_looked_at_and_the_limit_is_of_runs(reader):
    assert texts(compressed(reader, hit("b.md"), hit(), near=0, depth=1)) == [OTHER]
    assert texts(compressed(reader, hit(), near=0.5, limit=1)) == ["The cat sleeps. A dog barks."]


def test_the_step_says_what_stayed(reader):
    facts = compressed(reader, hit(), near=0.6).step.facts
    assert {k: facts[k] for k in ("sentences", "kept", "characters_in", "characters")} == {"sentences": 6, "kept": 1, "characters_in": 89, "characters": 24}


def test_a_question_without_words_or_no_hits_at_all(reader):
    assert compressed(reader).hits == ()
    assert texts(compressed(reader, hit(), question="", near=0.5)) == [TEXT], "where nothing tells sentences apart all stay"


def test_a_parent_stays_the_parent_of_every_run(reader):
    up = Span("a.md", 0, len(TEXT))
    found = compressed(reader, hit(start=0, end=70, parent=up), near=0.5).hits
    assert len(found) == 2
    assert {h.chunk.parent for h in found} == {up}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 80), st.integers(2, 60)), min_size=1, max_size=5), st.sampled_from([0.0, 0.5, 0.9]), st.integers(0, 1), st.floats(0, 1)
)
def test_runs_are_disjoint_pieces_of_their_hits_and_all_of_it_at_near_0(reader, edges, near, context, prior):
    spans = list(dict.fromkeys(Span("a.md", a, min(len(TEXT), a + n)) for a, n in edges))
    hits = [hit(start=s.start, end=s.end, score=1.0 / (i + 1), name=f"id{i}") for i, s in enumerate(spans)]
    found = compressed(reader, *hits, near=near, context=context, prior=prior).hits
    kept = [h.chunk.span for h in found]
    assert not any(a.overlap(b) for i, a in enumerate(kept) for b in kept[:i])
    assert len({h.chunk.id for h in found}) == len(found)
    assert all(any(s.overlap(k) == len(k) for s in spans) for k in kept)
    if near == 0:
        lost = {i for s in spans for i in range(s.start, s.end)} - {i for k in kept for i in range(k.start, k.end)}
        assert all(TEXT[i].isspace() for i in lost)


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="klingon"):
        Compress(language="klingon")
