"""Would the tests of tenant isolation notice? Each guard is taken out in turn, and the same probes must then see a leak or a refusal.

Also the two things that guards stand against: results remembered for somebody else, and an index whose files lie.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import qdrant_edge

import rag.index.edge as edge
import rag.index.reader as reading
from rag.errors import StoreError
from rag.index.edge import EdgeEngine
from rag.index.engine import Scope
from rag.index.gate import Sparse
from rag.index.generation import layout
from rag.index.reader import Reader
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Chunk, Document, Query

from .tenants import ALPHA, BETA, CHUNK, TEAM, UNKNOWN, Probe, everything, guessed, view

HYBRID = {"use": "rrf", "of": ["bm25", "dense"]}
REFUSAL = "row of another tenant"


def pipe(lab, retrieve=None):
    return lab.pipeline(retrieve or everything(), CHUNK, refine=["mmr", "parents"], pack={"use": "budget", "tokens": 400}, **TEAM)


@pytest.fixture(scope="module")
def paths(lab):
    found = {"alone": lab.folder(), "shared": lab.folder()}
    lab.build(found["alone"], pipe(lab), ALPHA)
    lab.build(found["shared"], pipe(lab), [*ALPHA, *BETA])
    return found


@pytest.fixture(scope="module")
def honest(lab, paths):
    """Return what alpha sees where nobody else is, for each pipeline that the mutations are looked at through."""
    with Index.open(paths["alone"], lab.runtime) as index:
        return {name: view(index, pipe(lab, name)) for name in ("bm25", "dense", "rank_bm25")}


@pytest.fixture(scope="module")
def real(lab, paths):
    """Return ids of beta that somebody guessed."""
    with Index.open(paths["shared"], lab.runtime) as index:
        return guessed(index)


def problems(lab, paths, honest, real) -> list[str]:
    """Return what the probes of the other file find wrong with the shared index: nothing, as long as all guards stand."""
    found = []
    for name, expected in honest.items():
        with Index.open(paths["shared"], lab.runtime) as index:
            probe = Probe(index, pipe(lab, name), "alpha")
            probe.questions()
            if REFUSAL in json.dumps(probe.seen):
                found.append(f"{name}: refused")
            elif probe.seen != expected:
                found.append(f"{name}: seen")
    with Index.open(paths["shared"], lab.runtime) as index:
        probe = Probe(index, pipe(lab), "alpha")
        guesses = zip(probe.guesses(real), probe.guesses(UNKNOWN), strict=True)
        found += [f"guess: {name}" for (name, answer), (_, unknown) in guesses if answer != unknown]
        for blank in (None, "", " "):
            try:
                index.reader(pipe(lab), tenant=blank)
                found.append(f"scope: {blank!r}")
            except StoreError:
                pass
    with Index.open(paths["shared"], Runtime(memo=Memo(), show_progress=False), memo=True) as index:
        view(index, pipe(lab, "bm25"), "beta")
        if view(index, pipe(lab, "bm25")) != honest["bm25"]:
            found.append("memo: seen")
    return found


def unscoped_search(which, call):
    """Take the scope out of the `call`-th filter that a search of one kind of vector compiles: 0 what is found, 1 what idf counts."""

    def mutate(patch):
        real, compiled = EdgeEngine.nearest, edge.compiled

        def nearest(self, space, vector, limit, scope, where, exact):
            calls = []

            def without(s, w):
                calls.append(w)
                return compiled(Scope() if len(calls) == call + 1 else s, w)

            if isinstance(vector, Sparse) is (which == "sparse"):
                patch.setattr(edge, "compiled", without)
            try:
                return real(self, space, vector, limit, scope, where, exact)
            finally:
                patch.setattr(edge, "compiled", compiled)

        patch.setattr(EdgeEngine, "nearest", nearest)

    return mutate


def unchecked(patch):
    patch.setattr(Scope, "check", lambda self, payload: None)


def unscoped_scroll(patch):
    real = EdgeEngine.scroll
    patch.setattr(EdgeEngine, "scroll", lambda self, kind, scope: real(self, kind, Scope()))


def unheld(patch):
    """Chunks by id without a look at whose they are."""

    def hold(self, ids):
        for i, payload in self._engine.payloads([i for i in ids if i not in self._chunks]).items():
            self._chunks[i] = self._chunk(i, payload)
        if any(i not in self._chunks for i in ids):
            raise StoreError("no chunk")

    patch.setattr(Reader, "_hold", hold)


def unscoped_row(patch):
    patch.setattr(Reader, "_row", lambda self, doc_id: self._documents[doc_id] if doc_id in self._documents else real_row(self, doc_id))


real_row = Reader._row


def unscoped_vectors(patch):
    patch.setattr(Reader, "vectors", lambda self, space, ids: self._engine.vectors(reading.space_name(space), ids))


def unscoped_fields(patch):
    patch.setattr(Reader, "fields", lambda self: frozenset(self._documents.field_names(None)) | reading.MADE)


def one_average(patch):
    patch.setattr(Reader, "average_length", lambda self, space: sum(self._manifest.spaces[reading.space_name(space)]["average_length"].values()))


def unscoped_memo(patch):
    real = reading.key
    patch.setattr(reading, "key", lambda *parts: real(*(p for p in parts if not isinstance(p, Scope))))


def lenient_scope(patch):
    patch.setattr(Index, "_scope", lambda self, tenant: Scope(tenant or None))


def both(*mutations):
    def mutate(patch):
        for one in mutations:
            one(patch)

    return mutate


MUTATIONS = {
    "dense leg": (unscoped_search("dense", 0), "dense: refused"),
    "dense leg, unchecked": (both(unscoped_search("dense", 0), unchecked), "dense: seen"),
    "sparse leg": (unscoped_search("sparse", 0), "bm25: refused"),
    "sparse leg, unchecked": (both(unscoped_search("sparse", 0), unchecked), "bm25: seen"),
    "idf corpus": (unscoped_search("sparse", 1), "bm25: seen"),
    "scroll": (unscoped_scroll, "rank_bm25: refused"),
    "scroll, unchecked": (both(unscoped_scroll, unchecked), "rank_bm25: seen"),
    "chunk by id": (unheld, "guess: chunks"),
    "chunk by id, unchecked": (both(unheld, unchecked, unscoped_row), "guess: chunks"),
    "page read": (unscoped_row, "guess: text"),
    "page read, unchecked": (both(unscoped_row, unchecked), "guess: text"),
    "document": (unscoped_row, "guess: document"),
    "vectors": (unscoped_vectors, "guess: vectors"),
    "fields": (unscoped_fields, "bm25: seen"),
    "memo key": (unscoped_memo, "memo: seen"),
    "scope left out": (lenient_scope, "scope: None"),
}


def test_with_all_guards_in_place_nothing_is_wrong(lab, paths, honest, real):
    assert problems(lab, paths, honest, real) == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_without_a_guard_the_probes_notice(lab, paths, honest, real, monkeypatch, name):
    """T7. The outcome that is expected of each says which probe is the one that stands behind the guard."""
    mutate, noticed = MUTATIONS[name]
    mutate(monkeypatch)
    assert noticed in problems(lab, paths, honest, real)


def test_the_average_length_of_another_tenant_would_show(lab, paths, monkeypatch):
    pipeline = pipe(lab, "bm25")
    (space,) = pipeline.retrieve.spaces()
    found = {}
    for name in ("alone", "shared"):
        with Index.open(paths[name], lab.runtime) as index:
            found[name] = index.reader(pipeline, tenant="alpha").average_length(space)
    assert found["alone"] == found["shared"]
    one_average(monkeypatch)
    with Index.open(paths["shared"], lab.runtime) as index:
        assert index.reader(pipeline, tenant="alpha").average_length(space) != found["alone"]


def memo_of(index):
    return dict(index.runtime.memo._db.execute("SELECT key, value FROM memo WHERE CAST(value AS TEXT) LIKE '[[%'").fetchall())


@pytest.mark.parametrize("use", ["bm25", "dense", "rank_bm25"])
def test_what_is_remembered_for_one_tenant_never_answers_another(lab, paths, use):
    """T6: whatever stands under the keys that beta's searches use, alpha's do not read it; nor those of another k1, limit, filter or content."""
    runtime, pipeline = Runtime(memo=Memo(), show_progress=False), pipe(lab, use)
    with Index.open(paths["shared"], runtime, memo=True) as index:
        first = view(index, pipeline)
        own = memo_of(index)
        view(index, pipeline, "beta")
        others = memo_of(index).keys() - own.keys()
        assert own
        assert others
        runtime.memo.put_many(dict.fromkeys(others, b'[["poison", 9.0]]'))
        assert view(index, pipeline) == first
        other_limit = replace(pipeline.retrieve, limit=3).rank(Query("shared common"), index.reader(pipeline, tenant="alpha"))
        runtime.memo.put_many(dict.fromkeys(memo_of(index), b'[["poison", 9.0]]'))
        with pytest.raises(StoreError, match="no chunk poison|the index engine failed"):
            pipeline.search(index, "shared common yaka banana", tenant="alpha")
    assert len(other_limit.scored) == 3
    lab.build(more := lab.folder(), pipe(lab), [*ALPHA, *BETA, Document("alpha/new.md", "shared common", {"team": "alpha"})])
    with Index.open(more, runtime, memo=True) as index:
        assert "poison" not in json.dumps(view(index, pipeline)), "another content has keys of its own"


def test_ids_of_another_tenant_put_into_the_memo_are_refused(lab, paths):
    runtime, pipeline = Runtime(memo=Memo(), show_progress=False), pipe(lab, "bm25")
    with Index.open(paths["shared"], runtime, memo=True) as index:
        chunk = guessed(index).chunk
        pipeline.search(index, "shared", tenant="alpha")
        runtime.memo.put_many(dict.fromkeys(memo_of(index), json.dumps([[chunk, 9.0]]).encode()))
        with pytest.raises(StoreError, match=f"^no chunk {chunk} in this index"):
            pipeline.search(index, "shared", tenant="alpha")


def test_a_damaged_keyword_index_raises_and_never_gives_foreign_rows(lab, tmp_path):
    """T8: pages of the tenants' keyword index zeroed, behind the back of the digests that would refuse to open it."""
    few = [Document(f"a/{n}.md", f"shared apple {n}", {"team": "alpha"}) for n in range(4)]
    many = [Document(f"b/{n}.md", f"shared banana {n}", {"team": f"beta{n % 40}"}) for n in range(400)]
    pipeline = lab.pipeline({"use": "rrf", "of": ["bm25", "dense", "rank_bm25"], "limit": 5}, "whole", **TEAM)
    lab.build(tmp_path / "ix", pipeline, [*many, *few])
    with Index.open(tmp_path / "ix", lab.runtime) as index:
        generation, manifest, rows = index.generation, index.manifest, {r.id: r for r in index.table.rows()}
    outcomes = []
    shard = generation / "shard"
    for file in sorted(shard.rglob("*tenant-map/values_to_points.bin")):
        for start in range(0, file.stat().st_size, 4096):
            copy = tmp_path / "copy"
            shutil.copytree(shard, copy)
            data = bytearray(file.read_bytes())
            data[start : start + 4096] = bytes(len(data[start : start + 4096]))
            (copy / file.relative_to(shard)).write_bytes(data)
            outcomes += damaged(copy, manifest, rows, pipeline, lab.runtime)
            shutil.rmtree(copy)
    assert "foreign" not in outcomes
    assert "raised" in outcomes, "no page that was zeroed matters any more: damage another"
    with pytest.raises(StoreError):
        file.write_bytes(data)
        Index.open(tmp_path / "ix", lab.runtime)


def damaged(shard, manifest, rows, pipeline, runtime) -> list[str]:
    """Return how searches and scrolls of several tenants end on a shard: `own`, `raised` or `foreign`."""
    try:
        engine = EdgeEngine.load(shard, layout(manifest))
    except StoreError:
        return ["raised"]
    found = []
    for tenant in ("alpha", "beta0", "beta1", "beta39"):
        reader = Reader(engine, manifest, rows, runtime, Scope(tenant), True, False)
        owners = {i: r.tenant for i, r in rows.items()}
        for call in (lambda r=reader: [h.chunk for h in pipeline.retrieve.search(Query("shared"), r).hits], lambda r=reader: list(r.all_chunks())):
            try:
                chunks: list[Chunk] = call()
                found.append("own" if all(owners[c.span.doc_id] == tenant for c in chunks) else "foreign")
            except StoreError as error:
                found.append("raised" if REFUSAL in str(error) or "failed" in str(error) else f"{error}")
    engine.close()
    return found


def test_the_shard_engine_is_the_one_that_is_mutated():
    assert edge.edge is qdrant_edge
