"""Extractive answers: verbatim quotes with true citations, and abstention where nothing supports an answer."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answer.extractive import ABSTENTION, Extractive
from rag.pack.budget import Budget
from rag.types import Chunk, Context, Document, Hit, Query, Span

TEXTS = {
    "cats.md": "# Cats\n\nCats sleep sixteen hours a day. They hunt   at\nnight. Who knows why?",
    "dogs.md": "Dogs bark loudly. Dogs sleep twelve hours a day! A dog's nose is wet.\n\n```python\nsleep(12)\n```\n",
    "table.md": "| animal | hours |\n|---|---|\n| cat | 16 |\n\n日本語の文です。次の文です。",
}


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index([Document(i, t) for i, t in TEXTS.items()]) as index:
        yield index.reader(index.pipeline)


def hit(doc_id, start=0, end=None, score=1.0):
    text = TEXTS[doc_id][start:end]
    return Hit(Chunk(f"{doc_id}:{start}", Span(doc_id, start, start + len(text)), text, text), score, "bm25")


def context_of(reader, *hits):
    return Budget().pack(tuple(hits), Query("q"), reader)


def answer(reader, question, context, **parameters):
    return Extractive(**{"model": "hashing-64", **parameters}).answer(Query(question), context, reader)


def quotes(text):
    """Return `(quote, source)` pairs of an answer."""
    return [(q.strip(), int(n)) for q, n in re.findall(r"(.*?) \[(\d+)\](?: |$)", text, re.DOTALL)]


QUESTIONS = st.lists(st.sampled_from(["How", "long", "do", "cats", "dogs", "sleep", "hours", "bark", "次の文", "nose", "wet", "unknown", "?"]), max_size=6).map(
    " ".join
)
HITS = st.lists(st.tuples(st.sampled_from(sorted(TEXTS)), st.integers(0, 30), st.integers(1, 90)), max_size=5)


@settings(max_examples=80, deadline=None)
@given(QUESTIONS, HITS, st.floats(0, 1), st.floats(0, 1), st.integers(1, 4))
def test_laws(reader, question, spans, threshold, blend, count):
    context = context_of(reader, *(hit(d, a, a + n) for d, a, n in spans))
    found = answer(reader, question, context, threshold=threshold, blend=blend, quotes=count)
    assert found.context is context
    assert found == answer(reader, question, context, threshold=threshold, blend=blend, quotes=count)
    if found.abstained:
        assert (found.text, found.citations) == (ABSTENTION, ())
        return
    pairs = quotes(found.text)
    assert len(pairs) == len(found.citations) <= count
    assert len(set(found.citations)) == len(found.citations)
    for (quote, source), cited in zip(pairs, found.citations, strict=True):
        assert quote == " ".join(TEXTS[cited.doc_id][cited.start : cited.end].split())
        shown = context.hits[source - 1].chunk.span
        assert shown.overlap(cited) == len(cited) > 0


def test_the_sentence_that_holds_the_question_is_quoted_with_its_source(reader):
    context = context_of(reader, hit("dogs.md"), hit("cats.md"))
    found = answer(reader, "How many hours do cats sleep?", context, quotes=1, blend=0)
    assert found.text == "Cats sleep sixteen hours a day. [2]"
    (cited,) = found.citations
    assert TEXTS["cats.md"][cited.start : cited.end] == "Cats sleep sixteen hours a day."
    assert not found.abstained


def test_white_space_inside_a_quote_is_collapsed_and_the_citation_is_not(reader):
    found = answer(reader, "hunt at night", context_of(reader, hit("cats.md")), quotes=1, blend=0)
    assert found.text == "They hunt at night. [1]"
    (cited,) = found.citations
    assert TEXTS["cats.md"][cited.start : cited.end] == "They hunt   at\nnight."


def test_further_quotes_must_be_near_the_best(reader):
    context = context_of(reader, hit("cats.md"), hit("dogs.md"))
    question = "sleep hours day"
    assert len(answer(reader, question, context, blend=0, near=1.0, quotes=5).citations) == 2
    assert len(answer(reader, question, context, blend=0, near=0.0, quotes=3).citations) == 3
    assert len(answer(reader, question, context, blend=0, near=0.0, quotes=1).citations) == 1


@pytest.mark.parametrize("question", ["", "  ", "\n"])
def test_an_empty_question_is_declined_with_its_reason(reader, question):
    found = answer(reader, question, context_of(reader, hit("cats.md")))
    assert (found.text, found.abstained) == (ABSTENTION, "the question is empty")


def test_an_empty_context_is_declined_with_its_reason(reader):
    found = answer(reader, "How long do cats sleep?", Context((), "", 0))
    assert (found.text, found.citations, found.abstained) == (ABSTENTION, (), "nothing was retrieved")


def test_weak_support_is_declined_with_its_figure_and_the_threshold(reader):
    found = answer(reader, "quantum chromodynamics?", context_of(reader, hit("cats.md")), blend=0, threshold=0.4)
    assert (found.text, found.abstained) == (ABSTENTION, "best support 0.00 is below 0.4")


@pytest.mark.parametrize("question", ["the of and", "👍", "?"])
def test_a_question_without_terms_is_declined(reader, question):
    assert answer(reader, question, context_of(reader, hit("cats.md")), blend=0).abstained


def test_headings_fences_rules_and_table_borders_are_never_quoted(reader):
    context = context_of(reader, hit("cats.md"), hit("dogs.md"), hit("table.md"))
    found = answer(reader, "cats python animal hours", context, blend=0, threshold=0, near=0, quotes=99)
    assert not any(q.startswith(("# ", "```", "|---")) for q, _ in quotes(found.text))


def test_a_sentence_shown_by_two_sources_is_quoted_once_with_the_first(reader):
    context = Context((hit("cats.md", 8, 39), hit("cats.md", 0, 60)), "", 0)
    found = answer(reader, "cats sleep sixteen hours", context, blend=0, near=0.9, quotes=5)
    assert quotes(found.text) == [("Cats sleep sixteen hours a day.", 1)]


def test_without_a_blend_no_encoder_is_loaded(reader):
    found = Extractive(blend=0, model="no such model").answer(Query("How long do cats sleep?"), context_of(reader, hit("cats.md")), reader)
    assert found.citations


def test_only_the_pool_is_embedded(lab, reader):
    context = context_of(reader, hit("cats.md"), hit("dogs.md"))
    before = lab.runtime.work.encodes
    answer(reader, "a new question of sleep hours not asked before", context, pool=2, threshold=0)
    assert lab.runtime.work.encodes - before <= 3


def test_parameters_out_of_bounds_are_refused():
    for bad in ({"quotes": 0}, {"threshold": 1.5}, {"near": -0.1}, {"blend": 2.0}, {"pool": 0}, {"language": "x"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            Extractive(**bad)


def test_a_question_without_a_word_to_look_for_is_declined(reader):
    """Only stop words: vectors still find something, and nothing of it answers."""
    context = context_of(reader, hit("cats.md"))
    assert answer(reader, "the of and", context, threshold=0).abstained == "the question has no word to look for"
    assert not answer(reader, "cats sleep", context, threshold=0).abstained


def test_a_stray_mark_is_no_quote():
    """A piece of fewer than three words is not put forward as an answer."""
    assert [c.text for c in Extractive()._candidates(Context((hit_of("`\n\nCats sleep for hours.\n\nYes."),), "", 0))] == ["Cats sleep for hours."]


def hit_of(text):
    return Hit(Chunk("0" * 32, Span("d", 0, len(text)), text, text), 1.0, "bm25")
