"""Reading within a scope: nothing of another tenant in hits, texts, documents, chunks or scores; filters alike for every retriever."""

from __future__ import annotations

from dataclasses import replace

import pytest
import qdrant_edge as native

from rag.errors import StoreError
from rag.filters import And, Condition, Not, Or
from rag.index.meta import holds
from rag.index.store import Index
from rag.types import Document, Span

TENANTS = {"index": {"tenant_key": "team"}}
ALPHA = [Document(f"alpha/{n}.md", f"canary shared zebra{n} apple", {"team": "alpha"}) for n in range(3)]
BETA = [Document(f"beta/{n}.md", f"secret shared yak{n} banana", {"team": "beta"}) for n in range(5)]
ALL = {"use": "rrf", "of": ["bm25", "dense", "rank_bm25"]}


@pytest.fixture(scope="module")
def shared(lab):
    with lab.index([*ALPHA, *BETA], lab.pipeline(ALL, **TENANTS)) as index:
        yield index


def test_reading_without_a_tenant_or_with_a_blank_one_is_an_error(lab, shared):
    for tenant in (None, ""):
        with pytest.raises(StoreError, match="keeps tenants apart by 'team': name one with --tenant"):
            shared.reader(shared.pipeline, tenant=tenant)
    with lab.index({"a.md": "x"}) as index, pytest.raises(StoreError, match="has no tenants; leave the tenant out"):
        index.reader(index.pipeline, tenant="alpha")


def test_nothing_of_another_tenant_is_found_or_read(shared):
    reader = shared.reader(shared.pipeline, tenant="alpha")
    hits, _ = shared.pipeline.search(shared, "secret shared yak1 banana", tenant="alpha")
    assert {h.chunk.span.doc_id for h in hits} == {d.id for d in ALPHA}
    assert {c.span.doc_id for c in reader.all_chunks()} == {d.id for d in ALPHA}
    answer = shared.pipeline.ask(shared, "secret yak1 banana?", tenant="alpha")
    assert "secret" not in answer.context.text


def test_a_foreign_document_is_answered_like_an_unknown_one(shared):
    reader = shared.reader(shared.pipeline, tenant="alpha")
    for name in ("beta/0.md", "none.md"):
        with pytest.raises(StoreError, match=f"^no document '{name}' in this index$"):
            reader.text(Span(name, 0, 3))
        with pytest.raises(StoreError, match=f"^no document '{name}' in this index$"):
            reader.document(name)


def test_a_foreign_row_that_comes_back_raises(shared):
    foreign = next(shared.reader(shared.pipeline, tenant="beta").all_chunks())
    with pytest.raises(StoreError, match=r"no chunk .* in this index; if a search found it, the index is damaged: stop using it"):
        shared.reader(shared.pipeline, tenant="alpha").chunks([foreign.id])


def test_a_row_whose_tenant_was_altered_in_the_shard_raises_instead_of_being_shown(lab):
    """The document table and the row disagree: whoever asks, the row is not shown."""
    path, pipeline = lab.folder(), lab.pipeline("bm25", **TENANTS)
    lab.build(path, pipeline, [*ALPHA, *BETA])
    with Index.open(path, lab.runtime) as index:
        foreign, *_ = index.reader(pipeline, tenant="beta").all_chunks()
    lab.tamper(path, lambda engine: engine._shard.update(native.UpdateOperation.set_payload([foreign.id], {"tenant": "alpha"})))
    with Index.open(path, lab.runtime) as index, pytest.raises(StoreError, match="no document 'beta/"):
        list(index.reader(pipeline, tenant="alpha").all_chunks())


@pytest.mark.parametrize("use", ["bm25", "dense", "rank_bm25", {"use": "rank_bm25", "idf": "lucene"}])
def test_another_tenants_documents_change_neither_ids_nor_scores(lab, use):
    """A global idf would show here: beta's five documents hold `shared` too."""
    pipeline = lab.pipeline(use, **TENANTS)
    more = [replace(d, id=f"{d.id}x", text=d.text.replace("banana", "apple canary")) for d in BETA]
    with lab.index([*ALPHA, *BETA], pipeline) as one, lab.index([*ALPHA, *BETA, *more], pipeline) as two:
        a, b = (pipeline.search(i, "shared canary zebra1 apple", tenant="alpha")[0] for i in (one, two))
    assert [h.chunk.id for h in a] == [h.chunk.id for h in b]
    assert [h.score for h in a] == pytest.approx([h.score for h in b], abs=1e-6)
    assert len(a) == 3


def test_an_unknown_tenant_finds_nothing(shared):
    assert shared.pipeline.search(shared, "shared", tenant="gamma")[0] == ()
    assert list(shared.reader(shared.pipeline, tenant="gamma").all_chunks()) == []


@pytest.mark.parametrize("value", [None, 1, True, "", "  ", ("alpha",)])
def test_a_document_without_a_tenant_fails_with_the_reason(lab, value):
    meta = {} if value is None else {"team": value}
    report = lab.build(lab.folder(), lab.pipeline(**TENANTS), [*ALPHA, Document("x.md", "text", meta)])
    assert (report.added, [f.doc_id for f in report.failed]) == (3, ["x.md"])
    assert report.failed[0].reason == "has no text under 'team' in its metadata, and index.tenant_key demands one"


def test_the_manifest_counts_chunks_by_tenant(shared):
    assert shared.manifest.tenants == {"alpha": 3, "beta": 5}


def test_a_document_that_changes_hands_is_gone_from_its_former_tenant(lab):
    path, pipeline = lab.folder(), lab.pipeline("bm25", **TENANTS)
    lab.build(path, pipeline, ALPHA)
    moved = [replace(ALPHA[0], meta={"team": "beta"}), *ALPHA[1:]]
    assert lab.build(path, pipeline, moved).updated == 1
    with Index.open(path, lab.runtime) as index:
        assert len(pipeline.search(index, "shared", tenant="alpha")[0]) == 2
        assert len(pipeline.search(index, "shared", tenant="beta")[0]) == 1


METAS = [
    {"k": "3"}, {"k": 3}, {"k": 3.0}, {"k": True}, {"k": False}, {"k": ("3", "x")}, {"k": "true"}, {"k": 0.5}, {"k": ""}, {}, {"other": "3"}, {"k": -3}, {"k": 2**53},
    {"two words": "v", "a.b": 1}, {"a": "b"}, {"a.b": "1"}, {"k": "x", "two words": "v"},
    {"k": "2024-05-01"}, {"k": ("2024-04-30", "2024-05-02T00:00:00Z")},
]  # fmt: skip
VALUES = ["3", "3.0", "true", "false", "True", "x", "0.5", ".5", "", "-3", "nan", "inf", str(2**53), "none"]
WHERES = [
    *(Condition("k", "=", (v,)) for v in VALUES),
    *(Condition("k", op, (b,)) for op in ("<", "<=", ">", ">=") for b in ("0.5", "-3", "3", "2024-05-01")),
    Condition("two words", "=", ("v",)),
    Condition("a.b", "=", ("1",)),
    Condition("a", "=", ("b",)),
    Condition("k", "exists"),
    Condition("k", "in", ("x", "0.5", "true")),
    Not(Condition("k", "exists")),
    And((Condition("k", "=", ("x",)), Condition("two words", "=", ("v",)))),
    Or((Condition("a.b", "=", ("1",)), Not(Condition("k", "<", ("3",))))),
    Condition("@doc", "in", ("1.md", "4.md", "none")),
    Condition("@modified", ">=", ("1970-01-05",)),
    Not(Condition("@modified", "<", ("345600",))),
    Condition("@modified", "exists"),
]


@pytest.mark.parametrize("use", ["bm25", "dense", "rank_bm25", {"use": "rank_bm25", "idf": "lucene"}, ALL, {"use": "weighted", "of": ["bm25", "dense"]}])
def test_a_condition_means_the_same_to_every_retriever(lab, filtered, use):
    documents, index = filtered
    pipeline = lab.pipeline(use)
    for where in WHERES:
        expected = {d.id for d in documents if holds(d.meta, where, d.id, d.modified)}
        assert {h.chunk.span.doc_id for h in pipeline.search(index, "common words", where=where)[0]} == expected, where


@pytest.fixture(scope="module")
def filtered(lab):
    documents = [Document(f"{n}.md", f"common words {n}", meta, modified=86_400.0 * n if n % 3 else None) for n, meta in enumerate(METAS)]
    with lab.index(documents, lab.pipeline(ALL)) as index:
        yield documents, index


def test_metadata_of_hits_is_that_of_the_documents_with_its_types(lab, filtered):
    documents, index = filtered
    for chunk in index.reader(index.pipeline).all_chunks():
        meta = next(d.meta for d in documents if d.id == chunk.span.doc_id)
        assert chunk.meta == meta
        assert [type(v) for v in chunk.meta.values()] == [type(v) for v in meta.values()]


def test_a_leg_of_no_vector_or_no_limit_is_empty(filtered):
    _, index = filtered
    reader = index.reader(index.pipeline)
    space = index.pipeline.retrieve.spaces()[0]
    assert reader.leg(space, None, 10) == []
    from rag.index.spaces import bm25_query

    assert reader.leg(space, bm25_query("common", space), 0) == []
    assert len(reader.leg(space, bm25_query("common", space), 5)) == 5


def test_what_is_derived_is_made_once_per_reader(filtered):
    _, index = filtered
    reader, made = index.reader(index.pipeline), []
    for _ in range(2):
        assert reader.kept("x", lambda: made.append(1) or "value") == "value"
    assert made == [1]


def test_keys_that_no_document_in_scope_has_are_known_for_it(lab, shared, filtered):
    documents, index = filtered
    reader = index.reader(index.pipeline)
    assert reader.fields() == {"heading", "page"}.union(*(d.meta for d in documents))
    where = And(
        (
            Condition("k", "exists"),
            Not(Condition("kk", "=", ("1",))),
            Condition("@doc", "=", ("x",)),
            Condition("@@doc", "=", ("x",)),
            Condition("heading", "exists"),
        )
    )
    assert reader.unknown_fields(where) == ("@doc", "kk")
    assert reader.unknown_fields(None) == ()


def test_keys_of_another_tenant_are_not_known(lab):
    documents = [Document("a.md", "text", {"team": "alpha", "mine": "1"}), Document("b.md", "text", {"team": "beta", "secret_key": "1"})]
    with lab.index(documents, lab.pipeline("bm25", **TENANTS)) as index:
        reader = index.reader(index.pipeline, tenant="alpha")
        assert reader.fields() == {"team", "mine", "heading", "page"}
        assert reader.unknown_fields(Condition("secret_key", "exists")) == ("secret_key",)


def test_kept_searches_are_told_apart_by_their_filter(lab, fresh):
    path, pipeline = lab.folder(), lab.pipeline(ALL)
    lab.build(path, pipeline, [Document(f"{n}.md", "common words", {"n": n}) for n in range(4)])
    with Index.open(path, fresh, memo=True) as index:
        for _ in range(2):
            for where, expected in (
                (None, {"0.md", "1.md", "2.md", "3.md"}),
                ("n < 2", {"0.md", "1.md"}),
                ("n <= 2", {"0.md", "1.md", "2.md"}),
                ("not n < 2", {"2.md", "3.md"}),
            ):
                assert {h.chunk.span.doc_id for h in pipeline.search(index, "common words", where=where)[0]} == expected
        assert fresh.work.searches == 4 * 3


def test_kept_results_of_a_filter_on_times_are_those_of_these_times(lab):
    """Touching files changes no chunk, so both indexes have one content key; what a filter on times finds differs all the same."""
    pipeline = lab.pipeline("bm25")
    for modified, expected in ((1_000_000_000.0, []), (1_800_000_000.0, ["a.md"])):
        with lab.index([Document("a.md", "the cat", modified=modified)], pipeline) as built, Index.open(built.path, lab.runtime, memo=True) as index:
            assert [h.chunk.span.doc_id for h in pipeline.search(index, "cat", where="@modified >= 2026-01-01")[0]] == expected


def test_kept_approximate_searches_are_told_apart_by_how_vectors_are_compared(lab, fresh):
    """Two layouts of one chunk set have one content key; what either finds approximately is its own, and exact results are shared."""
    documents = [Document(f"{n}.md", f"common words {n}") for n in range(4)]
    for exact, searches in ((False, 2), (True, 1)):
        before = fresh.work.searches
        for quantization in ("none", "scalar"):
            pipeline = lab.pipeline("dense", index={"search": "hnsw", "quantization": quantization})
            path = lab.folder()
            lab.build(path, pipeline, documents)
            with Index.open(path, fresh, memo=True) as index:
                pipeline.search(index, "common words", exact=exact)
        assert fresh.work.searches - before == searches


def test_chunks_are_handed_out_though_another_caller_forgets_them_meanwhile(lab):
    """Callers share a reader: one that finds too many chunks kept forgets them all while another one puts its own together."""
    with lab.index([Document(f"{n}.md", f"text {n}") for n in range(4)]) as index:
        reader = index.reader(index.pipeline)
        ids = [c.id for c in reader.all_chunks()]

        class Forgetful(dict):
            def prefetch(self, doc_ids):
                reader.forget_chunks()

        reader._documents = Forgetful(index.documents)
        reader.chunks(ids[:2])
        assert list(reader.chunks(ids)) == ids
