"""`check` finds what opening cannot see, goes on after a fault, and says what to do."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, replace

import pytest
import qdrant_edge as native

from rag.index.check import check
from rag.index.edge import EdgeEngine
from rag.index.generation import layout
from rag.index.gate import PointRecord
from rag.index.manifest import write_json
from rag.index.pages import page_ids
from rag.index.store import Index
from rag.types import Span

TWO = {"a.md": "the cat sat on the mat. " * 3, "b.md": "dogs bark at cats"}


@pytest.fixture
def built(lab):
    path = lab.folder()
    lab.build(path, lab.pipeline("bm25", {"use": "fixed", "size": 6}), TWO)
    return path


def tamper(lab, path, change):
    """Open the sealed shard behind the index's back, and close it again."""
    with Index.open(path, lab.runtime) as index:
        manifest, generation = index.manifest, index.generation
        chunks = list(index.reader(index.pipeline).all_chunks())
    engine = EdgeEngine.load(generation / "shard", layout(manifest))
    change(engine, chunks)
    count = engine.count()
    engine.finish()
    write_json(generation / "manifest.json", {**asdict(manifest), "points": count})


def faults(lab, path):
    with Index.open(path, lab.runtime) as index:
        found = check(index)
    json.dumps(found)
    return found["faults"]


def delete(engine, ids):
    engine._shard.update(native.UpdateOperation.delete_points(ids))


def test_a_sound_index_has_no_faults(lab, built):
    with Index.open(built, lab.runtime) as index:
        found = check(index)
    assert found == {"documents": 2, "chunks": index.manifest.chunks, "points": index.manifest.points, "content": index.manifest.content, "faults": []}


def test_a_changed_text_is_found_and_so_are_the_chunks_that_are_no_cut_of_it_any_more(lab, built):
    page = page_ids("", Span("a.md", 0, 5))[0]
    text = TWO["a.md"].replace("cat", "dog")
    tamper(lab, built, lambda e, _: e.write([PointRecord(page, {}, {}, {"kind": "page", "doc": "a.md", "page": 0, "text": text})]))
    found = faults(lab, built)
    assert found[0].startswith("a.md: the stored text is not the text that was indexed; delete the directory")
    assert any("a.md [0:" in f and "not a cut of its document" in f for f in found[1:])
    assert not any("b.md" in f for f in found)


def test_a_missing_chunk_is_found(lab, built):
    gone = []

    def change(engine, chunks):
        gone.append(next(c for c in chunks if c.span.doc_id == "a.md"))
        delete(engine, [gone[0].id])

    tamper(lab, built, change)
    (fault,) = faults(lab, built)
    assert fault.startswith("a.md: 3 chunks, its row says 4; delete the directory of the index and build it again")


def test_a_missing_page_is_one_fault_and_the_rest_is_still_checked(lab, built):
    def change(engine, chunks):
        delete(engine, [page_ids("", Span("a.md", 0, 5))[0], next(c.id for c in chunks if c.span.doc_id == "b.md")])

    tamper(lab, built, change)
    found = faults(lab, built)
    assert found[0].startswith("a.md: pages of 'a.md' are missing from the index; delete")
    assert found[1].startswith("b.md: 0 chunks, its row says 1")
    assert len(found) == 2


def test_a_chunk_with_an_emptied_payload_or_of_an_unknown_document_is_found(lab, built):
    stray = PointRecord(str(uuid.uuid4()), {}, {}, {"kind": "chunk"})
    unknown = PointRecord(str(uuid.uuid4()), {}, {}, {"kind": "chunk", "doc": "z.md", "start": 0, "end": 1, "text": "x", "meta": {}})
    tamper(lab, built, lambda e, _: e.write([stray, unknown]))
    found = faults(lab, built)
    assert any("has lost its doc" in f for f in found)
    assert any("no document 'z.md'" in f for f in found)


def test_counts_that_do_not_add_up_are_found(lab, built):
    with Index.open(built, lab.runtime) as index:
        write_json(index.generation / "manifest.json", asdict(replace(index.manifest, chunks=99, tenants={"x": 1})))
    (fault,) = faults(lab, built)
    assert fault.startswith("the manifest's counts of chunks are not those of its documents; delete")
