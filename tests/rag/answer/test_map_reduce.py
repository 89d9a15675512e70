"""Map and reduce: every group asked, spans handed on, nothing cited that no source holds."""

from __future__ import annotations

import pytest

from rag.answer.extractive import Extractive
from rag.answer.map_reduce import ABSTENTION, MapReduce
from rag.pack.budget import Budget
from rag.types import Query

TEXTS = {
    "a.md": "Cats sleep sixteen hours a day. They are quiet animals.",
    "b.md": "Stock prices fell sharply on Monday. Bonds rose.",
    "c.md": "Dogs sleep twelve hours a day. They bark at strangers.",
}
QUOTE = Extractive(model="hashing-64", threshold=0.3, blend=0.5)


@pytest.fixture(scope="module")
def reader(lab):
    with lab.index(TEXTS) as index:
        yield index.reader(index.pipeline)


def context_of(reader, source):
    return Budget().pack(tuple(source(TEXTS, d) for d in TEXTS), Query("q"), reader)


def test_every_group_is_asked_and_what_they_cite_is_answered_from(reader, source):
    context = context_of(reader, source)
    made = MapReduce(QUOTE, QUOTE, tokens=64).answer(Query("How many hours a day do cats and dogs sleep?"), context, reader)
    assert [s.stage for s in made.trace] == ["map"] * (len(made.trace) - 1) + ["reduce"]
    assert {s.doc_id for s in made.citations} == {"a.md", "c.md"}
    for span in made.citations:
        assert any(h.chunk.span.overlap(span) == len(span) for h in made.context.hits)
    for hit in made.context.hits:
        assert hit.chunk.text == TEXTS[hit.chunk.span.doc_id][hit.chunk.span.start : hit.chunk.span.end]


def test_groups_hold_what_fits_and_at_least_one(reader, source):
    context = context_of(reader, source)
    count = reader.runtime.tokenizer(MapReduce(QUOTE, QUOTE).tokenizer).count
    sizes = [count(h.chunk.text) for h in context.hits]
    groups = MapReduce(QUOTE, QUOTE, tokens=64)._groups(context.hits, reader)
    assert sum(sizes) <= 64
    assert [len(g) for g in groups] == [3]
    small = list(context.hits) * 6
    for group in MapReduce(QUOTE, QUOTE, tokens=64)._groups(small, reader):
        assert len(group) == 1 or sum(count(h.chunk.text) for h in group) <= 64


def test_where_no_group_answers_nothing_is_made_up(reader, source):
    made = MapReduce(QUOTE, QUOTE).answer(Query("Quantum chromodynamics lattice?"), context_of(reader, source), reader)
    assert made.text == ABSTENTION
    assert made.abstained
    assert made.citations == ()


def test_at_most_so_many_notes_fairly_from_all_groups(reader, source):
    hits = tuple(source(TEXTS, d) for d in ("a.md", "c.md"))
    context = Budget().pack(hits * 1, Query("q"), reader)
    ask = MapReduce(Extractive(model="hashing-64", threshold=0.0, near=0.0, quotes=9), QUOTE, tokens=64, notes=2)
    made = ask.answer(Query("sleep hours a day"), context, reader)
    assert made.trace[-1].facts["sources"] == 2
    assert made.trace[-1].facts["given"] == 4


def test_without_sources_it_abstains(reader):
    made = MapReduce(QUOTE, QUOTE).answer(Query("x"), Budget().pack((), Query("x"), reader), reader)
    assert made.abstained == "nothing was retrieved"
