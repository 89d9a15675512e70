"""Bringing an index up to date: honest counts, no needless work, and every root its own documents."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from rag.index.duplicates import SKETCH_VERSION
from rag.index.files import digest_file, files
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Document

A, B = Path("/corpus/a"), Path("/corpus/b")
THREE = {"a.md": "the cat sat on the mat", "b.md": "dogs bark at cats", "c.md": "a bird sings"}


def test_counts_over_a_life_of_edits(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    report = lab.build(path, pipeline, THREE, runtime=fresh)
    assert lab.counts(report) == lab.expect(added=3)
    assert (report.documents, report.chunks) == (3, 3)
    edited = {"a.md": "the cat stood up", "b.md": THREE["b.md"], "d.md": "new"}
    report = lab.build(path, pipeline, edited, runtime=fresh)
    assert lab.counts(report) == lab.expect(added=1, updated=1, unchanged=1, deleted=1)
    assert sorted(lab.texts(path)) == ["a.md", "b.md", "d.md"]
    assert lab.texts(path)["a.md"] == "the cat stood up"
    report = lab.build(path, pipeline, {}, runtime=fresh)
    assert lab.counts(report) == lab.expect(deleted=3)
    assert (report.documents, report.chunks) == (0, 0)
    report = lab.build(path, pipeline, THREE, runtime=fresh)
    assert lab.counts(report) == lab.expect(added=3)


def test_nothing_changed_nothing_written_and_nothing_computed(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    first = lab.build(path, pipeline, THREE, runtime=fresh)
    before = {n: digest_file(p) for n, p in files(path).items() if n != "lock"}
    again = Runtime(memo=Memo(), show_progress=False)
    report = lab.build(path, pipeline, THREE, runtime=again)
    assert lab.counts(report) == lab.expect(unchanged=3)
    assert not any(again.work.as_dict().values())
    assert {n: digest_file(p) for n, p in files(path).items() if n != "lock"} == before
    assert (report.documents, report.chunks, report.gap_characters, report.over_limit) == (3, 3, first.gap_characters, first.over_limit)


def test_a_document_that_never_can_be_cut_does_not_cause_a_write_each_time(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    corpus = {**THREE, "blank.md": " \n "}
    assert lab.counts(lab.build(path, pipeline, corpus, runtime=fresh)) == lab.expect(added=3, failed=["blank.md"])
    before, writes = lab.live(path), fresh.work.writes
    assert lab.counts(lab.build(path, pipeline, corpus, runtime=fresh)) == lab.expect(unchanged=3, failed=["blank.md"])
    assert (lab.live(path), fresh.work.writes) == (before, writes)


def test_only_what_is_new_is_embedded(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, THREE, runtime=fresh)
    assert fresh.work.encodes == 3 + 1  # a word that tells how long its vectors are
    lab.build(path, pipeline, {**THREE, "b.md": "dogs sleep", "copy.md": THREE["a.md"]}, runtime=fresh)
    assert fresh.work.encodes == 5


def test_touching_a_file_is_no_change_but_title_body_and_metadata_are(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    document = Document("a.md", "x: 1\ntext here", {"k": "v"}, source="/one", modified=1.0)
    lab.build(path, pipeline, [document], runtime=fresh)
    touched = dataclasses.replace(document, source="/two", modified=2.0)
    assert lab.counts(lab.build(path, pipeline, [touched], runtime=fresh)) == lab.expect(unchanged=1)
    for change in ({"title": "T"}, {"body": 5}, {"meta": {"k": 1}}):
        assert lab.counts(lab.build(path, pipeline, [dataclasses.replace(document, **change)], runtime=fresh)) == lab.expect(updated=1), change


def test_documents_of_another_root_stay(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, {"a.md": "alpha text"}, roots=[A], runtime=fresh)
    encoded = fresh.work.encodes
    assert lab.counts(lab.build(path, pipeline, {"b.md": "beta text"}, roots=[B], runtime=fresh)) == lab.expect(added=1)
    assert sorted(lab.texts(path)) == ["a.md", "b.md"]
    assert fresh.work.encodes == encoded + 1
    assert lab.texts(path)["a.md"] == "alpha text"
    assert lab.counts(lab.build(path, pipeline, {}, roots=[A], runtime=fresh)) == lab.expect(deleted=1)
    assert sorted(lab.texts(path)) == ["b.md"]
    assert lab.counts(lab.build(path, pipeline, {}, roots=[A], runtime=fresh)) == lab.expect()


def test_a_kept_document_keeps_everything_it_was_indexed_with(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline(chunk={"use": "fixed", "size": 4})
    document = Document(
        "a.md", "---\nx: y\n---\nalpha text " + "\U0001f469 long " * 900, {"x": "y", "n": 3, "t": True, "l": ("p", "q")}, "Title", 13, "/src", 5.0
    )
    lab.build(path, pipeline, [document], roots=[A], runtime=fresh)
    with Index.open(path, lab.runtime) as index:
        before = index.documents["a.md"], list(index.reader(pipeline).all_chunks())
    lab.build(path, pipeline, {"b.md": "beta"}, roots=[B], runtime=fresh)
    with Index.open(path, lab.runtime) as index:
        after = [c for c in index.reader(pipeline).all_chunks() if c.span.doc_id == "a.md"]
        assert (index.documents["a.md"], after) == before


def test_the_same_id_under_two_roots_fails_with_the_other_root_named(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, {"a.md": "alpha"}, roots=[A], runtime=fresh)
    report = lab.build(path, pipeline, {"a.md": "other", "b.md": "beta"}, roots=[B], runtime=fresh)
    assert lab.counts(report) == lab.expect(added=1, failed=["a.md"])
    assert (
        report.failed[0].reason
        == "the index has a document of this id from /corpus/a; rename one, or, where the corpus was moved, index it with --rebuild --allow-mass-delete"
    )
    assert lab.texts(path)["a.md"] == "alpha"


def test_a_document_may_move_between_roots_named_together(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, {"a.md": "alpha"}, roots=[A], runtime=fresh)
    moved = lab.loaded({"a.md": "alpha"}, B)
    assert lab.counts(lab.build(path, pipeline, moved, roots=[A, B], runtime=fresh)) == lab.expect(updated=1)
    assert lab.counts(lab.build(path, pipeline, {}, roots=[A], runtime=fresh)) == lab.expect()


def test_a_second_document_of_an_id_fails_and_the_first_stays(lab, fresh):
    path = lab.folder()
    report = lab.build(path, lab.pipeline(), [Document("a.md", "first"), Document("a.md", "second")], runtime=fresh)
    assert lab.counts(report) == lab.expect(added=1, failed=["a.md"])
    assert report.failed[0].reason == "duplicate id"
    assert lab.texts(path)["a.md"] == "first"


def test_a_document_that_cannot_be_read_any_more_keeps_its_former_version(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, THREE, runtime=fresh)
    items = [lab.failed("a.md"), *lab.loaded({"b.md": THREE["b.md"]})]
    assert lab.counts(lab.build(path, pipeline, items, runtime=fresh)) == lab.expect(unchanged=1, deleted=1, failed=["a.md"])
    assert lab.texts(path)["a.md"] == THREE["a.md"]
    report = lab.build(path, pipeline, {"a.md": "   ", "b.md": THREE["b.md"]}, runtime=fresh)
    assert lab.counts(report) == lab.expect(unchanged=1, deleted=1, failed=["a.md"])  # it was read, and says nothing any more
    assert sorted(lab.texts(path)) == ["b.md"]


def test_a_failure_of_another_root_keeps_nothing(lab, fresh):
    """a.md is gone below A; that another a.md below B is unreadable does not bring it back."""
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, {"a.md": "alpha"}, roots=[A], runtime=fresh)
    report = lab.build(path, pipeline, [lab.failed("a.md", root=B)], roots=[A, B], runtime=fresh)
    assert lab.counts(report) == lab.expect(deleted=1, failed=["a.md"])


def test_a_configuration_that_changes_no_chunk_is_taken_over_without_a_write(lab, fresh):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE)
    before = lab.live(path)
    other = lab.pipeline(pack={"use": "budget", "tokens": 99}, retrieve={"use": "weighted", "of": ["dense", "bm25"]})
    assert lab.counts(lab.build(path, other, THREE, runtime=fresh)) == lab.expect(unchanged=3)
    assert (fresh.work.writes, lab.live(path)) == (0, before)
    with Index.open(path, lab.runtime) as index:
        assert index.pipeline == other


def test_documents_longer_than_the_encoder_reads_are_counted(lab):
    documents = {"long.md": "word " * 300, "edge.md": "word " * 256, "short.md": "word"}
    report = lab.build(lab.folder(), lab.pipeline(), documents)
    assert report.over_limit == {"hashing-64 (256 tokens)": 1}


def test_characters_in_no_chunk_are_counted(lab):
    report = lab.build(lab.folder(), lab.pipeline(), [Document("a.md", "---\nk: v\n---\ntext", body=13)])
    assert report.gap_characters == 13


def test_the_report_as_json_names_every_field_of_the_contract(lab):
    report = lab.build(lab.folder(), lab.pipeline(), [*lab.loaded({"a.md": "text"}), lab.failed("b.md", "binary file")])
    body = json.loads(json.dumps(report.as_dict()))
    assert body["failed"] == [{"doc_id": "b.md", "reason": "binary file"}]
    assert {"added", "updated", "unchanged", "deleted", "failed", "chunks", "seconds"} <= set(body)
    assert set(body["seconds"]) == {"read and chunk", "embed", "write", "optimize and seal"}
    assert (body["documents"], body["chunks"], body["duplicates"], body["spared"]) == (1, 1, [], 0)


def test_signatures_of_another_version_are_made_anew(lab, fresh):
    """Signatures of two versions compared with one another would say nothing."""
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, THREE, runtime=fresh)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rag.index.build.SKETCH_VERSION", 99)
        report = lab.build(path, pipeline, THREE, runtime=fresh)
        assert lab.counts(report) == lab.expect(updated=3)
        assert report.notes == [
            f"every document that was read was written again: the signatures that duplicates are found by are of version 99 now, the index had {SKETCH_VERSION}"
        ]
        report = lab.build(path, pipeline, THREE, runtime=fresh)
        assert lab.counts(report) == lab.expect(unchanged=3)
        assert report.notes == []


def test_documents_written_again_for_their_time_are_accounted_for(lab, fresh):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE, runtime=fresh)
    report = lab.build(path, lab.pipeline(index={"modified_key": "date"}), THREE, runtime=fresh)
    assert lab.counts(report) == lab.expect(updated=3)
    assert report.notes == ["every document that was read was written again: its time comes from index.modified_key 'date' now, it came from None"]
