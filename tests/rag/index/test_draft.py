"""A generation in the making: what is spooled comes out again, and what fails leaves nothing behind."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from rag.errors import StoreError
from rag.index.draft import Draft
from rag.index.faults import VARIABLE
from rag.index.prepare import Prepared, Recipe, prepare
from rag.index.table import NAME, DocumentTable, Facts
from rag.types import Document

META = {"l": ("p", "q"), "n": 2**60, "f": 0.1, "t": True, "s": "\u2028"}


@pytest.fixture
def recipe(lab):
    pipeline = lab.pipeline("bm25", {"use": "fixed", "size": 3})
    return Recipe(pipeline, tuple(pipeline.retrieve.spaces()), lab.runtime, 5.0)


@pytest.mark.parametrize("apart", [1, 2, 3])
def test_documents_are_spooled_in_order_and_come_out_as_they_went_in(tmp_path, recipe, apart):
    """Together or not: one that has no chunks, as a duplicate that is dropped has none, does not shift those after it."""
    draft = Draft(tmp_path, None)
    documents = [Document(i, f"{i} NUL \0 \U0001f469 cats and cats", META, "Title", 2, "/caf\\udce9/x", 1.5) for i in ("b", "a")]
    made = [prepare(d, "/caf\udce9", recipe) for d in documents]
    made.insert(1, Prepared(replace(made[0].row, id="gone", chunks=0, title="Title"), Facts(), "text \U0001f469", [], []))
    draft.add(*made[:apart])
    draft.add(*made[apart:])
    found = list(draft.spooled())
    assert [(f.id, f.tenant, f.title, f.facts, f.text, f.ids) for f in found] == [(m.row.id, "", "Title", m.facts, m.text, m.ids) for m in made]
    assert [json.loads(b"[%b]" % f.payloads) for f in found] == [json.loads(json.dumps(m.payloads)) for m in made]
    assert [[draft.table[i] for i in ("b", "gone", "a")], len(draft.table)] == [[m.row for m in made], 3]
    for f, m in zip(found, made, strict=True):
        assert [f.counts[k].lengths for k in f.counts] == [m.counts[k].lengths for k in m.counts]
        assert all(np.array_equal(f.counts[k].terms, m.counts[k].terms) and np.array_equal(f.counts[k].times, m.counts[k].times) for k in m.counts)
    assert list(draft.added) == ["a", "b", "gone"]
    draft.close()
    assert [p.name for p in draft.path.iterdir()] == [NAME]
    with DocumentTable(draft.path / NAME) as table:
        assert dict(table) == {m.row.id: m.row for m in made}


def test_a_draft_starts_from_a_table_and_leaves_it_alone(tmp_path, recipe):
    first = Draft(tmp_path, None)
    first.add(prepare(Document("a", "one"), "/c", recipe))
    first.close()
    before = (first.path / NAME).read_bytes()
    second = Draft(tmp_path, first.path)
    assert (second.path.name, second.final.name) == ("tmp-000002", "gen-000002")
    second.table.remove(["a"])
    second.close()
    assert (first.path / NAME).read_bytes() == before
    with DocumentTable(second.path / NAME) as table:
        assert len(table) == 0


def test_a_discarded_draft_is_gone(tmp_path, recipe):
    draft = Draft(tmp_path, None)
    draft.add(prepare(Document("a", "one"), "/c", recipe))
    draft.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_draft_that_cannot_be_begun_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / NAME).write_bytes(b"no table")
    with pytest.raises(StoreError, match="damaged"):
        Draft(tmp_path, tmp_path / "base")
    monkeypatch.setenv(VARIABLE, "stage.table:1:raise")
    with pytest.raises(RuntimeError, match="fault at"):
        Draft(tmp_path, None)
    assert [p.name for p in tmp_path.iterdir()] == ["base"]
