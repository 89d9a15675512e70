"""Bringing an index up to date: honest counts, no needless work, no trace of how it got there, and crashes that cost nothing."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest

from rag.errors import StoreError
from rag.index.lock import lock
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Document, Span

A, B = Path("/corpus/a"), Path("/corpus/b")
THREE = {"a.md": "the cat sat on the mat", "b.md": "dogs bark at cats", "c.md": "a bird sings"}


@pytest.fixture
def fresh():
    """A runtime whose counters and memo are those of this test alone."""
    return Runtime(memo=Memo(), show_progress=False)


def counts(report):
    return {k: getattr(report, k) for k in ("added", "updated", "unchanged", "deleted")} | {"failed": [f.doc_id for f in report.failed]}


def expect(added=0, updated=0, unchanged=0, deleted=0, failed=()):
    return {"added": added, "updated": updated, "unchanged": unchanged, "deleted": deleted, "failed": list(failed)}


def ids(lab, path):
    with Index.open(path, lab.runtime) as index:
        return sorted(index.documents)


def text_of(lab, path, doc_id):
    with Index.open(path, lab.runtime) as index:
        return index.stored_texts([doc_id])[doc_id]


def live(path):
    return (path / "CURRENT").read_text()


def test_counts_over_a_life_of_edits(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    report = lab.build(path, pipeline, THREE, runtime=fresh)
    assert counts(report) == expect(added=3)
    assert (report.documents, report.chunks) == (3, 3)
    edited = {"a.md": "the cat stood up", "b.md": THREE["b.md"], "d.md": "new"}
    report = lab.build(path, pipeline, edited, runtime=fresh)
    assert counts(report) == expect(added=1, updated=1, unchanged=1, deleted=1)
    assert ids(lab, path) == ["a.md", "b.md", "d.md"]
    assert text_of(lab, path, "a.md") == "the cat stood up"
    report = lab.build(path, pipeline, {}, runtime=fresh)
    assert counts(report) == expect(deleted=3)
    assert (report.documents, report.chunks) == (0, 0)
    report = lab.build(path, pipeline, THREE, runtime=fresh)
    assert counts(report) == expect(added=3)


def test_nothing_changed_nothing_written_and_nothing_computed(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    first = lab.build(path, pipeline, THREE, runtime=fresh)
    before = {p: p.stat().st_mtime_ns for p in path.rglob("*") if p.name != "lock"}
    again = Runtime(memo=Memo(), show_progress=False)
    report = lab.build(path, pipeline, THREE, runtime=again)
    assert counts(report) == expect(unchanged=3)
    assert again.work.as_dict() == {"encodes": 0, "searches": 0, "judgements": 0, "writes": 0}
    assert {p: p.stat().st_mtime_ns for p in path.rglob("*") if p.name != "lock"} == before
    assert (report.documents, report.chunks, report.gap_characters, report.over_limit) == (3, 3, first.gap_characters, first.over_limit)


def test_a_document_that_never_can_be_cut_does_not_cause_a_write_each_time(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    corpus = {**THREE, "blank.md": " \n "}
    assert counts(lab.build(path, pipeline, corpus, runtime=fresh)) == expect(added=3, failed=["blank.md"])
    before, writes = live(path), fresh.work.writes
    assert counts(lab.build(path, pipeline, corpus, runtime=fresh)) == expect(unchanged=3, failed=["blank.md"])
    assert (live(path), fresh.work.writes) == (before, writes)


def test_only_what_is_new_is_embedded(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, THREE, runtime=fresh)
    assert fresh.work.encodes == 3
    lab.build(path, pipeline, {**THREE, "b.md": "dogs sleep", "copy.md": THREE["a.md"]}, runtime=fresh)
    assert fresh.work.encodes == 4


def test_touching_a_file_is_no_change_but_title_body_and_metadata_are(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    document = Document("a.md", "x: 1\ntext here", {"k": "v"}, source="/one", modified=1.0)
    lab.build(path, pipeline, [document], runtime=fresh)
    touched = dataclasses.replace(document, source="/two", modified=2.0)
    assert counts(lab.build(path, pipeline, [touched], runtime=fresh)) == expect(unchanged=1)
    for change in ({"title": "T"}, {"body": 5}, {"meta": {"k": 1}}):
        assert counts(lab.build(path, pipeline, [dataclasses.replace(document, **change)], runtime=fresh)) == expect(updated=1), change


def test_documents_of_another_root_stay(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, {"a.md": "alpha text"}, roots=[A], runtime=fresh)
    encoded = fresh.work.encodes
    assert counts(lab.build(path, pipeline, {"b.md": "beta text"}, roots=[B], runtime=fresh)) == expect(added=1)
    assert ids(lab, path) == ["a.md", "b.md"]
    assert fresh.work.encodes == encoded + 1
    assert text_of(lab, path, "a.md") == "alpha text"
    assert counts(lab.build(path, pipeline, {}, roots=[A], runtime=fresh)) == expect(deleted=1)
    assert ids(lab, path) == ["b.md"]
    assert counts(lab.build(path, pipeline, {}, roots=[A], runtime=fresh)) == expect()


def test_a_kept_document_keeps_everything_it_was_indexed_with(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline(chunk={"use": "fixed", "size": 4})
    document = Document("a.md", "---\nx: y\n---\nalpha text " + "\U0001f469 long " * 3000, {"x": "y", "n": 3, "t": True, "l": ("p", "q")}, "Title", 13, "/src", 5.0)
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
    assert counts(report) == expect(added=1, failed=["a.md"])
    assert report.failed[0].reason == "the index has a document of this id from /corpus/a; rename one"
    assert text_of(lab, path, "a.md") == "alpha"


def test_a_document_may_move_between_roots_named_together(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, {"a.md": "alpha"}, roots=[A], runtime=fresh)
    moved = lab.loaded({"a.md": "alpha"}, B)
    assert counts(lab.build(path, pipeline, moved, roots=[A, B], runtime=fresh)) == expect(updated=1)
    assert counts(lab.build(path, pipeline, {}, roots=[A], runtime=fresh)) == expect()


def test_a_second_document_of_an_id_fails_and_the_first_stays(lab, fresh):
    path = lab.folder()
    report = lab.build(path, lab.pipeline(), [Document("a.md", "first"), Document("a.md", "second")], runtime=fresh)
    assert counts(report) == expect(added=1, failed=["a.md"])
    assert report.failed[0].reason == "duplicate id"
    assert text_of(lab, path, "a.md") == "first"


def test_a_document_that_cannot_be_read_any_more_keeps_its_former_version(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, THREE, runtime=fresh)
    items = [lab.failed("a.md"), *lab.loaded({"b.md": THREE["b.md"]})]
    assert counts(lab.build(path, pipeline, items, runtime=fresh)) == expect(unchanged=1, deleted=1, failed=["a.md"])
    assert text_of(lab, path, "a.md") == THREE["a.md"]
    report = lab.build(path, pipeline, {"a.md": "   ", "b.md": THREE["b.md"]}, runtime=fresh)
    assert counts(report) == expect(unchanged=1, failed=["a.md"])
    assert text_of(lab, path, "a.md") == THREE["a.md"]
    with Index.open(path, lab.runtime) as index:
        assert len(index.pipeline.search(index, "cat")[0]) == 2


def test_a_failure_of_another_root_keeps_nothing(lab, fresh):
    """a.md is gone below A; that another a.md below B is unreadable does not bring it back."""
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, {"a.md": "alpha"}, roots=[A], runtime=fresh)
    report = lab.build(path, pipeline, [lab.failed("a.md", root=B)], roots=[A, B], runtime=fresh)
    assert counts(report) == expect(deleted=1, failed=["a.md"])


UNFIT = [
    (Document("\ud800.md", "text"), "half a surrogate"),
    (Document("a\0.md", "text"), "NUL"),
    (Document("x.md", "te\udfffxt"), "half a surrogate"),
    (Document("x.md", "text", title="\ud800"), "half a surrogate"),
    (Document("x.md", "text", {"k": 2**64}), "64 bits"),
    (Document("x.md", "text", {"k": float("nan")}), "not finite"),
    (Document("x.md", "text", {"k": "\ud800"}), "lone surrogate"),
    (Document("x.md", "text", {"k": "y" * 300_000}), "payload of"),
    (Document("x.md", "text", {"k": ["a"]}), "is a list"),  # type: ignore[dict-item]  # that is the test
    (Document("x.md", "text", {"k": (1,)}), "is a tuple"),  # type: ignore[dict-item]  # that is the test
    (Document("x.md", " \n"), "blank"),
    (Document("x.md", "---\n---\n", body=8), "blank"),
]


def test_one_unfit_document_is_counted_with_its_reason_and_the_rest_is_indexed(lab, fresh):
    for document, reason in UNFIT:
        path = lab.folder()
        report = lab.build(path, lab.pipeline(), [Document("good.md", "good text"), document], runtime=fresh)
        assert counts(report) == expect(added=1, failed=[document.id]), document
        assert reason in report.failed[0].reason
        assert ids(lab, path) == ["good.md"]


def test_odd_but_valid_documents_are_indexed(lab):
    document = Document("ключ/%22 [x].md", "NUL \0 \U0001f469\u200d\U0001f467 \u2028", {"two words": "v", "a.b": 1, "": True, 'q"': 0.5}, "T\u2028")
    with lab.index([document]) as index:
        (hit,) = index.pipeline.search(index, "NUL")[0]
        assert hit.chunk.text == "NUL \0 \U0001f469\u200d\U0001f467"
        assert hit.chunk.meta == document.meta
        assert hit.chunk.meta[""] is True


def test_an_empty_corpus_is_an_index_that_finds_nothing(lab):
    with lab.index({}) as index:
        hits, _ = index.pipeline.search(index, "cat")
        assert hits == ()
        assert index.pipeline.ask(index, "cat").abstained == "nothing was retrieved"


def raising(items, at, error):
    """Yield items and raise before item number `at`."""
    for n, item in enumerate(items):
        if n == at:
            raise error
        yield item
    raise error


class FailingEncoder:
    """A real encoder that fails at its n-th batch of texts."""

    def __init__(self, inner, error):
        self._inner, self._error = inner, error
        self.name, self.identity, self.max_tokens = inner.name, inner.identity, inner.max_tokens
        self.counts = inner.counts

    def encode(self, texts):
        raise self._error


def crash_in_corpus(at):
    def run(lab, path, pipeline, changed, runtime):
        lab.build(path, pipeline, raising(lab.loaded(changed), at, KeyboardInterrupt()), runtime=runtime)

    return run


def crash_in_encoder(lab, path, pipeline, changed, runtime):
    runtime._encoders["hashing-64"] = FailingEncoder(runtime.encoder("hashing-64"), KeyboardInterrupt())
    lab.build(path, pipeline, changed, runtime=runtime)


def crash_at(name):
    """Raise where the builder calls `name`: before a stage of sealing a generation."""

    def run(lab, path, pipeline, changed, runtime):
        import rag.index.build as module

        with pytest.MonkeyPatch.context() as patch:

            def stop(*_args, **_more):
                raise KeyboardInterrupt

            patch.setattr(module.EdgeEngine if hasattr(module.EdgeEngine, name) else module, name, stop)
            lab.build(path, pipeline, changed, runtime=runtime)

    return run


CRASHES = {
    "corpus-0": crash_in_corpus(0), "corpus-2": crash_in_corpus(2), "encoder": crash_in_encoder, "write": crash_at("write"), "payload-index": crash_at("index_payload"),
    "optimize": crash_at("finish"), "manifest": crash_at("write_manifest"), "rename": crash_at("sync_directory"), "pointer": crash_at("write_bytes"),
}  # fmt: skip


@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_before_the_pointer_swap_leaves_the_old_state_and_the_next_build_is_clean(lab, crash):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, THREE)
    before = live(path)
    changed = {**THREE, "a.md": "edited words entirely", "d.md": "brand new"}
    with pytest.raises(KeyboardInterrupt):
        CRASHES[crash](lab, path, pipeline, changed, Runtime(memo=Memo(), show_progress=False))
    assert live(path) == before
    with Index.open(path, lab.runtime) as index:
        assert sorted(index.documents) == sorted(THREE)
        assert [h.chunk.span.doc_id for h in index.pipeline.search(index, "sat")[0]][:1] == ["a.md"]
    report = lab.build(path, pipeline, changed)
    assert counts(report) == expect(added=1, updated=1, unchanged=2)
    assert sorted(p.name for p in path.iterdir()) == ["CURRENT", live(path).strip(), "lock"]
    assert ids(lab, path) == ["a.md", "b.md", "c.md", "d.md"]


def test_a_crash_of_the_first_build_is_no_index_and_the_next_build_is_clean(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline()
    with pytest.raises(KeyboardInterrupt):
        crash_at("write_bytes")(lab, path, pipeline, THREE, fresh)
    with pytest.raises(StoreError, match="there is no index"):
        Index.open(path)
    assert counts(lab.build(path, pipeline, THREE, runtime=fresh)) == expect(added=3)
    assert ids(lab, path) == sorted(THREE)


def test_a_reader_that_is_open_goes_on_reading_its_own_state_while_a_build_replaces_it(lab):
    path, pipeline = lab.folder(), lab.pipeline()
    lab.build(path, pipeline, THREE)
    with Index.open(path, lab.runtime) as index:
        lab.build(path, pipeline, {"z.md": "all else is gone"})
        assert [h.chunk.span.doc_id for h in pipeline.search(index, "cat sat")[0]][:1] == ["a.md"]
        assert index.reader(pipeline).text(Span("b.md", 0, 4)) == "dogs"
        assert sorted(index.documents) == sorted(THREE)
    assert ids(lab, path) == ["z.md"]


def test_a_second_builder_is_refused_with_the_pid_of_the_first(lab):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE)
    before = live(path)
    with lock(path), pytest.raises(StoreError, match=f"is being built by process {os.getpid()}"):
        lab.build(path, lab.pipeline(), {})
    assert live(path) == before


def test_files_that_are_not_of_the_index_are_left_alone(lab):
    path = lab.folder()
    (path / "tmp-pictures").mkdir(parents=True)
    (path / "gen-x").mkdir()
    (path / "tmp-pictures" / "cat.png").write_text("cat")
    lab.build(path, lab.pipeline(), THREE)
    lab.build(path, lab.pipeline(), {"a.md": "x"})
    assert (path / "tmp-pictures" / "cat.png").read_text() == "cat"
    assert (path / "gen-x").is_dir()


def test_a_place_that_cannot_be_an_index_is_one_clear_error(lab, tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="cannot be made a directory"):
            lab.build(path, lab.pipeline(), THREE)


@pytest.mark.parametrize(
    ("other", "names"),
    [
        ({"chunk": {"use": "fixed", "size": 50}}, ["whole", "fixed"]),
        ({"retrieve": "bm25"}, ["dense-f9a8744fd668", "needs bm25-c40bad509d4d;"]),
        ({"retrieve": {"use": "bm25", "k1": 2.0}}, ["bm25-c40bad509d4d", "needs bm25-"]),
        ({"retrieve": "rank_bm25"}, ["bm25-c40bad509d4d", "needs none"]),
        ({"index": {"tenant_key": "team"}}, ["None", "'team'"]),
    ],
)
def test_another_chunker_space_or_tenancy_is_refused_with_both_names(lab, other, names):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE)
    before = live(path)
    with pytest.raises(StoreError) as error:
        lab.build(path, lab.pipeline(**other), THREE)
    assert all(name in str(error.value) for name in (*names, str(path), "another directory"))
    assert live(path) == before


def edit_manifest(path, change):
    file = path / live(path).strip() / "manifest.json"
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


def test_another_model_under_the_same_name_is_refused(lab):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE)
    edit_manifest(path, lambda m: m["spaces"]["dense-f9a8744fd668"]["identity"].update(digest="1"))
    with pytest.raises(StoreError, match="embedded with hashing-64, the configuration asks for hashing-64 .digest '1' against '2'.; use the same model"):
        lab.build(path, lab.pipeline(), {})


def test_another_tokenizer_under_the_same_name_is_refused(lab):
    path, pipeline = lab.folder(), lab.pipeline(chunk={"use": "fixed", "size": 50})
    lab.build(path, pipeline, THREE)
    edit_manifest(path, lambda m: m.update(chunker=["0" * 32]))
    with pytest.raises(StoreError, match="another version of the model or tokenizer that chunk: names"):
        lab.build(path, pipeline, {})


def test_a_configuration_that_changes_no_chunk_is_taken_over_without_a_write(lab, fresh):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE)
    before = live(path)
    other = lab.pipeline(pack={"use": "budget", "tokens": 99}, retrieve={"use": "weighted", "of": ["dense", "bm25"]})
    assert counts(lab.build(path, other, THREE, runtime=fresh)) == expect(unchanged=3)
    assert (fresh.work.writes, live(path)) == (0, before)
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
    assert {"load", "chunk", "embed", "write", "optimize", "seal"} == set(body["seconds"])


CLUSTERED = {f"{n:04}.md": f"word{n % 97} word{n % 61} word{n % 31} word{n % 13} number{n}" for n in range(2000)}


def test_the_graph_is_built_above_a_size_switched_both_ways_and_nearly_as_good_as_comparing_all(lab):
    path = lab.folder()
    small = lab.pipeline({"use": "dense", "limit": 10}, index={"exact_below": 2001})
    large = lab.pipeline({"use": "dense", "limit": 10}, index={"exact_below": 2000})
    lab.build(path, small, CLUSTERED)
    with Index.open(path, lab.runtime) as index:
        assert not index.manifest.hnsw
        assert index.reader(small).exact
        content = index.manifest.content
    report = lab.build(path, large, CLUSTERED)
    assert counts(report) == expect(unchanged=2000)
    with Index.open(path, lab.runtime) as index:
        assert index.manifest.hnsw
        assert index.manifest.content == content  # the graph changes how is searched, not what is there
        assert not index.reader(large).exact
        found = []
        for n in range(0, 2000, 50):
            query = f"word{n % 97} word{n % 61} number{n + 1}"
            true, near = (large.search(index, query, exact=e)[0] for e in (True, False))
            found.append(len({h.chunk.id for h in true} & {h.chunk.id for h in near}) / 10)
        assert np.mean(found) >= 0.95
        forced = lab.pipeline({"use": "dense", "limit": 10}, index={"search": "exact"})
        assert index.reader(forced).exact
    assert counts(lab.build(path, forced, CLUSTERED)) == expect(unchanged=2000)
    with Index.open(path, lab.runtime) as index:
        assert not index.manifest.hnsw


def test_the_graph_can_be_forced_on_a_small_index_and_needs_vectors(lab):
    with lab.index(THREE, lab.pipeline(index={"search": "hnsw"})) as index:
        assert index.manifest.hnsw
        assert index.pipeline.search(index, "cat")[0]
    with lab.index(THREE, lab.pipeline("bm25", index={"search": "hnsw"})) as index:
        assert not index.manifest.hnsw
