"""Windows: how far a hit is widened, what stops it, and that no text is shown twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.refine.window import Window
from rag.types import Chunk, Hit, Query, Span

TEXT = "# One\n\nAlpha is here. Beta runs fast. Gamma sits still. Delta eats a lot. Epsilon sleeps.\n\n# Two\n\nZeta came last. Eta went home.\n"
LONG = "Words without any end " * 200 + "stop. Then comes this. And a last one."
CJK = "日本語の文です" * 10


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index({"a.md": TEXT, "long.md": LONG, "cjk.md": CJK}) as index:
        yield index.reader(index.pipeline)


def hit(words, score=1.0, name="h", doc="a.md", parent=None):
    text = {"a.md": TEXT, "long.md": LONG, "cjk.md": CJK}[doc]
    start = text.index(words)
    return Hit(Chunk(name, Span(doc, start, start + len(words)), words, words, parent), score, "bm25")


def widened(reader, *hits, **fields):
    return [h.chunk.text for h in Window(**fields).refine(hits, Query("q"), reader).hits]


def test_sentences_before_and_after(reader):
    assert widened(reader, hit("Gamma sits still.")) == ["Beta runs fast. Gamma sits still. Delta eats a lot."]
    assert widened(reader, hit("Gamma sits still."), before=2, after=0) == ["Alpha is here. Beta runs fast. Gamma sits still."]


def test_a_sentence_that_the_hit_cuts_is_completed_and_not_counted(reader):
    assert widened(reader, hit("sits"), before=0, after=0) == ["Gamma sits still."]
    assert widened(reader, hit("sits"), before=1, after=1) == ["Beta runs fast. Gamma sits still. Delta eats a lot."]
    assert widened(reader, hit("runs fast. Gamma"), before=1, after=0) == ["Alpha is here. Beta runs fast. Gamma sits still."]


def test_a_window_ends_with_the_document(reader):
    assert widened(reader, hit("Eta went home."), before=0, after=9) == ["Eta went home."]
    assert widened(reader, hit("# One"), before=5, after=0) == ["# One"]


def test_a_far_sentence_edge_is_found_and_a_sentence_is_never_longer_than_the_splitter_makes_them(reader):
    (text,) = widened(reader, hit("Then comes this.", doc="long.md"), before=1, after=1)
    assert text.endswith("end stop. Then comes this. And a last one.")
    assert 300 < len(text) <= 2100


def test_a_window_stays_in_its_section(reader):
    assert widened(reader, hit("Zeta came last."), before=2, after=0) == ["Epsilon sleeps.\n\n# Two\n\nZeta came last."]
    assert widened(reader, hit("Zeta came last."), before=2, after=0, within="section") == ["# Two\n\nZeta came last."]
    assert widened(reader, hit("Epsilon sleeps."), before=0, after=2, within="section") == ["Epsilon sleeps."]
    assert widened(reader, hit("Zeta came last."), before=30, after=0, within="section", unit="characters") == ["# Two\n\nZeta came last."]
    assert widened(reader, hit("Epsilon sleeps."), before=0, after=30, within="section", unit="characters") == ["Epsilon sleeps."]


def test_a_window_stays_in_its_parent(reader):
    start, end = TEXT.index("Beta"), TEXT.index(" Epsilon")
    inner = hit("Gamma sits still.", parent=Span("a.md", start, end))
    kept = Window(before=5, after=5, within="parent").refine((inner,), Query("q"), reader).hits[0].chunk
    assert kept.text == TEXT[start:end]
    assert kept.parent == Span("a.md", start, end)
    free = Window(before=5, after=5).refine((inner,), Query("q"), reader).hits[0].chunk
    assert free.text.startswith("# One")
    assert free.parent is None, "a parent that does not hold the span is none"


def test_characters_end_between_words(reader):
    """11 characters before `sits` reach into `fast.`, 12 hold it; 10 after it reach into `Delta`."""
    assert widened(reader, hit("sits"), before=11, after=10, unit="characters") == ["Gamma sits still."]
    assert widened(reader, hit("sits"), before=12, after=10, unit="characters") == ["fast. Gamma sits still."]
    assert widened(reader, hit("sits"), before=0, after=0, unit="characters") == ["sits"]


def test_characters_of_a_script_without_blanks_are_counted(reader):
    (text,) = widened(reader, hit("語の文", doc="cjk.md"), before=5, after=4, unit="characters")
    assert text == CJK[0:9]


def test_overlapping_windows_become_one_with_rank_score_and_id_of_the_best(reader):
    first, second, third = hit("Delta eats a lot.", 3.0, "d"), hit("Zeta came last.", 2.0, "z"), hit("Beta runs fast.", 1.0, "b")
    found = Window(before=2, after=1).refine((first, second, third), Query("q"), reader)
    assert [(h.chunk.id, h.score, h.source) for h in found.hits] == [("d", 3.0, "window")]
    assert found.hits[0].chunk.text == TEXT[:-1]
    assert found.step.facts["joined"] == 2
    apart = Window(before=0, after=1, within="section").refine((first, second, third), Query("q"), reader).hits
    assert [h.chunk.text for h in apart] == ["Delta eats a lot. Epsilon sleeps.", "Zeta came last. Eta went home.", "Beta runs fast. Gamma sits still."]
    assert [h.chunk.id for h in apart] == ["d", "z", "b"]


def test_a_hit_that_is_not_widened_stays_as_it_is(reader):
    whole = Hit(Chunk("w", Span("a.md", 0, len(TEXT)), TEXT, "Title " + TEXT), 1.0, "bm25")
    assert Window().refine((whole,), Query("q"), reader).hits == (whole,)


def test_the_limit_is_of_hits_looked_at_and_the_step_says_what_was_added(reader):
    found = Window(before=0, after=1, limit=1).refine((hit("Alpha is here."), hit("Zeta came last.", name="z")), Query("q"), reader)
    assert [h.chunk.text for h in found.hits] == ["Alpha is here. Beta runs fast."]
    assert found.step.facts["characters_added"] == len(" Beta runs fast.")
    assert found.step.facts["in"] == 2


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(0, 3), st.integers(0, 3), st.sampled_from(["sentences", "characters"]), st.sampled_from(["document", "parent", "section"]))
def test_every_window_holds_its_hit_and_windows_share_nothing(reader, data, before, after, unit, within):
    edges = data.draw(st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 40)), min_size=1, max_size=4))
    spans = [Span("a.md", a, min(len(TEXT), a + n)) for a, n in edges]
    hits = tuple(Hit(Chunk(str(i), s, TEXT[s.start : s.end], "", None), -float(i), "x") for i, s in enumerate(spans))
    found = [h.chunk.span for h in Window(before, after, unit, within).refine(hits, Query("q"), reader).hits]
    assert all(any(f.overlap(s) == len(s) for f in found) for s in spans)
    assert not any(a.overlap(b) for i, a in enumerate(found) for b in found[:i])


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="klingon"):
        Window(language="klingon")
