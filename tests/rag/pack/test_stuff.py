"""Whole documents as context: in the order of the hits or all in scope, within the budget, counted."""

from __future__ import annotations

import pytest

from rag.filter_text import read
from rag.pack.stuff import Stuff
from rag.types import Document, Query

CHUNK = {"use": "fixed", "size": 8}
DOCS = [
    Document("a.md", "Cats sleep a lot. " * 10, {"lang": "en"}, "On cats"),
    Document("b.md", "Dogs bark at night. " * 40, {"lang": "en"}),
    Document("c.md", "Katzen schlafen viel. " * 5, {"lang": "de"}),
]
TEXTS = {d.id: d.text for d in DOCS}


@pytest.fixture(scope="module")
def index(lab):
    with lab.index(DOCS, lab.pipeline(chunk=CHUNK)) as opened:
        yield opened


@pytest.fixture(scope="module")
def found(lab, index):
    pipeline = lab.pipeline(chunk=CHUNK)
    reader = index.reader(pipeline)
    return pipeline.retrieve.search(Query("dogs bark"), reader).hits, reader


def documents(context):
    return [h.chunk.span.doc_id for h in context.hits]


def test_hits_become_their_whole_documents_once_in_the_order_of_the_best(found):
    hits, reader = found
    context = Stuff().pack(hits, Query("dogs bark"), reader)
    assert documents(context) == list(dict.fromkeys(h.chunk.span.doc_id for h in hits))
    assert documents(context)[0] == "b.md"
    for hit in context.hits:
        assert hit.chunk.text == TEXTS[hit.chunk.span.doc_id]
        assert hit.chunk.text in context.text
    assert "On cats \u2014 a.md" in context.text


def test_all_shows_every_document_by_id_whatever_was_found(found):
    _, reader = found
    assert documents(Stuff(of="all").pack((), Query("x"), reader)) == ["a.md", "b.md", "c.md"]


def test_all_keeps_to_the_filter_of_the_question(found):
    _, reader = found
    assert documents(Stuff(of="all").pack((), Query("x", read("lang = en")), reader)) == ["a.md", "b.md"]


def test_what_does_not_fit_is_left_out_and_counted_and_the_next_may_fit(found):
    _, reader = found
    count = reader.runtime.tokenizer(Stuff().tokenizer).count
    context = Stuff(of="all", tokens=120).pack((), Query("x"), reader)
    assert documents(context) == ["a.md", "c.md"]
    assert context.dropped == 1
    assert context.tokens == count(context.text) <= 120


def test_a_cap_on_documents(found):
    _, reader = found
    context = Stuff(of="all", limit=2).pack((), Query("x"), reader)
    assert documents(context) == ["a.md", "b.md"]
    assert context.dropped == 0


def test_the_budget_is_a_share_of_the_window():
    assert Stuff(tokens=8000, window=4000).budget == 2800
    assert Stuff(tokens=1000, window=4000).budget == 1000
