"""`check` finds what opening cannot see, goes on after a fault, and says what to do."""

from __future__ import annotations

import json
import uuid

import pytest
import qdrant_edge as native

from rag.index.check import check
from rag.index.files import stamp
from rag.index.gate import PointRecord
from rag.index.manifest import REBUILD
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
    """Change the sealed shard behind the index's back."""
    with Index.open(path, lab.runtime) as index:
        chunks = list(index.reader(index.pipeline).all_chunks())
    lab.tamper(path, lambda engine: change(engine, chunks))


def faults(lab, path):
    with Index.open(path, lab.runtime) as index:
        found = check(index)
    json.dumps(found)
    return found["faults"]


def assert_counts(found, held):
    """Hold the last two faults to be those of the sums: the manifest says 5 chunks."""
    assert [f.split(";")[0] for f in found] == [
        "the manifest's counts of chunks are not those of its documents",
        f"the engine holds {held} chunks, the manifest says 5",
    ]


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
    assert found[0].startswith("a.md: the stored text is not the text that was indexed; build it again")
    assert any("a.md [0:" in f and "not a cut of its document" in f for f in found[1:])
    assert not any("b.md" in f for f in found)


def test_a_missing_chunk_is_found(lab, built):
    gone = []

    def change(engine, chunks):
        gone.append(next(c for c in chunks if c.span.doc_id == "a.md"))
        delete(engine, [gone[0].id])

    tamper(lab, built, change)
    fault, *counts = faults(lab, built)
    assert fault.startswith("a.md: 3 chunks, its row says 4; build it again")
    assert_counts(counts, 4)


def test_a_missing_page_is_one_fault_and_the_rest_is_still_checked(lab, built):
    def change(engine, chunks):
        delete(engine, [page_ids("", Span("a.md", 0, 5))[0], next(c.id for c in chunks if c.span.doc_id == "b.md")])

    tamper(lab, built, change)
    found = faults(lab, built)
    assert found[0].startswith("a.md: pages of 'a.md' are missing from the index; build it again")
    assert found[1].startswith("b.md: 0 chunks, its row says 1")
    assert_counts(found[2:], 4)


def test_a_chunk_that_lost_its_document_or_is_of_an_unknown_one_shows_in_the_counts(lab, built):
    stray = PointRecord(str(uuid.uuid4()), {}, {}, {"kind": "chunk"})
    unknown = PointRecord(str(uuid.uuid4()), {}, {}, {"kind": "chunk", "doc": "z.md", "start": 0, "end": 1, "text": "x", "meta": {}})
    tamper(lab, built, lambda e, _: e.write([stray, unknown]))
    assert_counts(faults(lab, built), 7)


def test_a_chunk_that_lost_part_of_its_payload_is_found(lab, built):
    def change(engine, chunks):
        payload = {"kind": "chunk", "doc": "b.md", "start": 0, "text": "dogs bark at cats", "meta": {}}
        e, chunk = engine, next(c for c in chunks if c.span.doc_id == "b.md")
        e.write([PointRecord(chunk.id, {}, {}, payload)])

    tamper(lab, built, change)
    (fault,) = faults(lab, built)
    assert fault.startswith("b.md: chunk")
    assert "has lost its end: the index is damaged; build it again" in fault


def test_counts_that_do_not_add_up_are_found(lab, built):
    """The engine's own count is compared too, so a manifest of 99 chunks is two faults, one of tenants alone is one."""
    lab.reseal(built, lambda m: m.update(tenants={"x": 1}))
    (fault,) = faults(lab, built)
    assert fault.startswith("the manifest's counts of chunks are not those of its documents; build it again")
    lab.reseal(built, lambda m: m.update(tenants={}, chunks=99))
    counts, engine = faults(lab, built)
    assert counts == fault
    assert engine.startswith("the engine holds 5 chunks, the manifest says 99")


def test_a_file_that_was_changed_without_a_trace_in_its_times_is_found(lab, built):
    """Opening trusts what stamps.json says was not written to; `check` reads every byte."""
    generation = built / lab.live(built)
    file = generation / "documents.sqlite"
    before = file.read_bytes()
    at = before.index(b'"sketch": "') + 20
    file.write_bytes(before[:at] + (b"B" if before[at : at + 1] == b"A" else b"A") + before[at + 1 :])
    stamps = json.loads((generation / "stamps.json").read_text())
    (generation / "stamps.json").write_text(json.dumps({**stamps, file.name: stamp(file)}))
    with Index.open(built, lab.runtime) as index:
        found = check(index)["faults"]
    assert found[0].endswith(f"documents.sqlite is not what was written; the index is damaged: {REBUILD}")
    assert len(found) == 1
