"""What an index on a server costs in requests: pages of rows for what stays, a bounded number for what changes, none per hit."""

from __future__ import annotations

import pytest

from rag.types import Query

from .remote_lab import Lab, document, legs, pipeline

PIPE = pipeline("bm25", chunk="whole")
PAGE = 256  # points of one page of a scroll


def corpus(count):
    return {f"{n:05d}": f"cat {n} dog" for n in range(count)}


def built(count):
    lab = Lab()
    lab.build(PIPE, corpus(count))
    return lab


def cost(lab, action):
    return lab.requests(action)


def test_a_build_without_a_change_costs_pages_of_rows_and_no_write():
    few, many = built(10), built(3 * PAGE)
    one, three = (cost(lab, lambda lab=lab, n=n: lab.build(PIPE, corpus(n))) for lab, n in ((few, 10), (many, 3 * PAGE)))
    assert one.total() <= 20
    assert three.total() - one.total() <= 3  # each of three pages, and the one that says that there are no more
    assert {"writing", "deleting", "reweighing"}.isdisjoint(three)


def test_a_first_build_costs_the_same_for_one_document_as_for_many_of_one_window():
    one, many = (cost(lab, lambda lab=lab, n=n: lab.build(PIPE, corpus(n))).total() for lab, n in ((Lab(), 1), (Lab(), 200)))
    assert many == one


@pytest.mark.parametrize("changed", [1, 20])
def test_a_changed_or_removed_document_costs_one_request_beside_those_of_its_window(changed):
    lab, docs = built(400), corpus(400)
    base = cost(lab, lambda: lab.build(PIPE, docs)).total()
    docs.update({i: t.replace("dog", "horse") for i, t in list(docs.items())[:changed]})
    updated = cost(lab, lambda: lab.build(PIPE, docs)).total() - base
    assert updated <= 20 + changed
    for i in list(docs)[:changed]:
        del docs[i]
    assert cost(lab, lambda: lab.build(PIPE, docs)).total() - base <= 20 + changed


def test_new_weights_cost_a_bounded_number_of_requests_for_each_document():
    lab, docs = built(100), corpus(100)
    base = cost(lab, lambda: lab.build(PIPE, docs)).total()
    made = cost(lab, lambda: lab.build(PIPE, {**docs, "long": "horse " * 200}))
    assert made["reweighing"] == 1
    assert made.total() - base <= 30 + 100


def test_many_hits_cost_no_more_requests_than_one():
    found = []
    for count in (1, 100):
        lab = built(count)
        with lab.opened() as index:
            reader = index.reader(PIPE)
            made = cost(lab, lambda reader=reader: legs(PIPE)[0].search(Query("cat"), reader))
            assert len(reader.hits(reader.leg(PIPE.retrieve.spaces()[0], None, 1), "x")) == 0
            found.append(made.total())
    assert found[1] <= found[0] + 1


def test_reading_every_chunk_costs_pages():
    lab = built(300)
    with lab.opened() as index:
        made = cost(lab, lambda: list(index.reader(PIPE).all_chunks()))
    assert made.total() <= 2 + 2 * 2


def test_the_length_of_the_table_is_one_request_and_rows_are_kept():
    lab = built(30)
    with lab.opened() as index:
        assert cost(lab, lambda: len(index.documents)).total() == 1
        assert cost(lab, lambda: [index.documents["00003"] for _ in range(5)]).total() == 1


def test_an_unknown_field_of_a_filter_is_named_where_there_are_few_documents_and_let_be_where_there_are_many(monkeypatch):
    from rag.filters import Condition

    lab = Lab()
    lab.build(PIPE, {i: document(i, "cat", team="red") for i in "abc"})
    with lab.opened() as index:
        assert index.reader(PIPE).unknown_fields(Condition("taem", "==", "red")) == ("taem",)
    monkeypatch.setattr("rag.index.remote_table._MANY", 2)
    with lab.opened() as index:
        assert index.reader(PIPE).unknown_fields(Condition("taem", "==", "red")) == ()


def test_a_reader_leaves_out_documents_that_are_being_written():
    from rag.index.remote_table import PENDING, row_point
    from rag.index.table import Facts

    lab = built(3)
    with lab.opened() as index:
        index.engine.write([row_point(index.documents["00001"], Facts(), {}, PENDING)])
    with lab.opened() as index:
        assert {h.chunk.span.doc_id for h in PIPE.search(index, "cat")[0]} == {"00000", "00002"}
        assert {c.span.doc_id for c in index.reader(PIPE).all_chunks()} == {"00000", "00002"}
