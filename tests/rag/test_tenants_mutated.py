"""Would the tests of tenant isolation notice? Each guard is taken out in turn, and the same probes must then see a leak or a refusal."""

from __future__ import annotations

import json
from threading import get_ident

import pytest

import rag.index.edge as edge
import rag.index.reader as reading
from rag.errors import StoreError
from rag.index.edge import EdgeEngine
from rag.index.engine import Scope
from rag.index.gate import Sparse
from rag.index.reader import Reader
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime

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
            calls, own = [], get_ident()

            def without(s, w):
                if get_ident() != own:  # the other leg, which is asked beside this one
                    return compiled(s, w)
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
        return self._chunks

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
