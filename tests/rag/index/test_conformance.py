"""What every caller relies on, held against every engine.

They are the one in this process, the in-memory mode of qdrant-client, the same behind HTTP, and a real server. The last joins
when `RAG_TEST_QDRANT_URL` (http://localhost:6333) is set; each test then makes collections of its own and drops them at the end.
`DIFFERENCES` names all that the engines do not do alike, and nothing else is left out anywhere.
"""

from __future__ import annotations

import itertools
import math
import os
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import FilterError, StoreError
from rag.filters import And, Condition, Not, Or
from rag.index.edge import EdgeEngine
from rag.index.engine import Engine, Layout, Scope
from rag.index.gate import PointRecord, Sparse
from rag.index.meta import holds, path, stored
from rag.index.server import ServerEngine
from rag.index.server_admin import ServerAdmin
from rag.index.server_options import ServerOptions

from .server_wire import Wire

URL = os.environ.get("RAG_TEST_QDRANT_URL")
LAYOUT = Layout({"d": 4}, ("s", "t"))
ALL = Scope()
DIFFERENCES = {
    ("edge", "points of no tenant"): "asked for no tenant's, a shard gives every tenant's; an index has tenants throughout or not at all",
    ("memory", "keeps nothing"): "`finish` and `close` forget everything, so a test reads from the engine it wrote to",
    ("memory", "odd ids"): "in memory, an id that is no UUID is one that is not there; the engine itself refuses it",
    ("memory", "no payload indexes"): "they change nothing there, so tests with and without them are one and the same",
    ("memory", "nanoseconds"): "the client carries dates as Python's, in microseconds: a bound is rounded down to one",
    ("server", "nanoseconds"): "the client carries dates as Python's, in microseconds: a bound is rounded down to one",
    ("memory", "lenient dates"): "in memory, text is read as a date by Python's rules: no blanks within, years of 4 digits only",
}


DIFFERENCES |= {("wire", what): f"as in memory: {why}" for (engine, what), why in DIFFERENCES.items() if engine == "memory" and what != "keeps nothing"}


def differs(engine: str, what: str) -> bool:
    """Whether an engine is known to do something otherwise; what is asked for must be in the table for some engine."""
    assert what in {w for _, w in DIFFERENCES}
    return (engine, what) in DIFFERENCES


class EdgeStore:
    """Engines in this process: shards that are sealed before they are read, and copied or reopened to be changed."""

    name = "edge"

    def __init__(self, folder: Path) -> None:
        self._folders = (folder / f"shard-{n}" for n in itertools.count())
        self._open: list[EdgeEngine] = []

    def create(self, layout: Layout = LAYOUT) -> Engine:
        return EdgeEngine.create(next(self._folders), layout)

    def sealed(self, engine: EdgeEngine) -> Engine:
        engine.finish()
        self._open.append(EdgeEngine.load(engine.path, engine.layout))
        return self._open[-1]

    def changed(self, engine: EdgeEngine) -> Engine:
        engine.close()
        return EdgeEngine.patch(engine.path, engine.layout)

    def clear(self) -> None:
        for engine in self._open:
            engine.close()


class MemoryStore:
    """Engines in the memory of qdrant-client."""

    name = "memory"

    def __init__(self, folder: Path) -> None:
        self._open: list[ServerEngine] = []

    def create(self, layout: Layout = LAYOUT) -> Engine:
        self._open.append(ServerEngine.in_memory(layout))
        return self._open[-1]

    def sealed(self, engine: ServerEngine) -> Engine:
        return engine

    def changed(self, engine: ServerEngine) -> Engine:
        return engine

    def clear(self) -> None:
        for engine in self._open:
            engine.close()


class ServerStore:
    """Collections of a real server, each with a name of its own."""

    name = "server"

    def __init__(self, folder: Path) -> None:
        self.url = URL or ""
        self._made: list[ServerOptions] = []

    def create(self, layout: Layout = LAYOUT) -> Engine:
        self._made.append(ServerOptions(self.url, f"rag-test-{uuid.uuid4().hex}"))
        return ServerEngine.create(self._made[-1], layout)

    def sealed(self, engine: ServerEngine) -> Engine:
        engine.finish()
        return ServerEngine.load(engine.options, engine.layout)

    def changed(self, engine: ServerEngine) -> Engine:
        return engine

    def clear(self) -> None:
        for options in self._made:
            admin = ServerAdmin.open(options)
            admin.drop_collection(options.collection)
            admin.close()


class WireStore(ServerStore):
    """The in-memory engine behind HTTP: what is asked and answered travels as it does to a real server."""

    name = "wire"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._wire = Wire()
        self.url = self._wire.url

    def clear(self) -> None:
        super().clear()
        admin = ServerAdmin.open(ServerOptions(self.url, "any"))
        assert admin.collections() == []
        admin.close()
        self._wire.stop()


STORES = {s.name: s for s in (EdgeStore, MemoryStore, WireStore, *((ServerStore,) if URL else ()))}


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeStore | MemoryStore | ServerStore]:
    made = STORES[request.param](tmp_path_factory.mktemp("engines"))
    yield made
    made.clear()


def name(n):
    return str(uuid.UUID(int=n))


def number(i):
    return uuid.UUID(i).int


def vector(*values):
    v = np.array(values, dtype=np.float32)
    return v / np.linalg.norm(v)


def weights(terms):
    return Sparse(tuple(sorted(terms)), tuple(float(terms[t]) for t in sorted(terms)))


def point(n, dense=(1, 0, 0, 0), sparse=None, tenant=None, other=None, doc=None, modified=None, kind="chunk", **meta):
    own = {"tenant": tenant} if tenant else {}
    own |= {} if modified is None else {"modified": modified}
    payload = {"kind": kind, "doc": doc or f"{n}.md", "meta": stored(meta), **own}
    spaces = {"s": sparse, "t": other}
    return PointRecord(name(n), {} if dense is None else {"d": vector(*dense)}, {k: weights(v) for k, v in spaces.items() if v}, payload)


def built(store, points, keys=None, layout=LAYOUT):
    engine = store.create(layout)
    engine.write(points)
    engine.index_payload(keys or {})
    return store.sealed(engine)


def changed(store, engine, *changes):
    """Return the engine as a reader opens it after each of the changes was made."""
    engine = store.changed(engine)
    for change in changes:
        change(engine)
    return store.sealed(engine)


def dense(engine, query=(1, 0, 0, 0), limit=10_000, scope=ALL, where=None):
    return engine.nearest("d", np.array(query, dtype=np.float32), limit, scope, where, True)


def sparse(engine, query, limit=10_000, scope=ALL, where=None, space="s"):
    return engine.nearest(space, weights(query), limit, scope, where, True)


def found(scored):
    return [number(i) for i, _ in scored]


def idf(total, having):
    """Return `ln(1 + (N - n + 0.5) / (n + 0.5))`."""
    return math.log(1 + (total - having + 0.5) / (having + 0.5))


def bm25(corpus, query):
    """Return id to score by the formula: `corpus` is n to its terms with their weights, empty ones not counted."""
    held = {n: terms for n, terms in corpus.items() if terms}
    worth = {t: idf(len(held), sum(t in terms for terms in held.values())) for t in query}
    scores = {name(n): sum(q * terms[t] * worth[t] for t, q in query.items() if t in terms) for n, terms in held.items()}
    return {i: s for i, s in scores.items() if s}


# Writing


def test_a_point_written_again_is_replaced_as_a_whole(store):
    engine = built(store, [point(1, (1, 0, 0, 0), {5: 1}, "a", {6: 1}, x="old", y="old"), point(2)])
    again = changed(store, engine, lambda e: e.write([point(1, (0, 1, 0, 0), x="new")]))
    assert again.count() == 2
    assert again.payloads([name(1)]) == {name(1): {"kind": "chunk", "doc": "1.md", "meta": {"x": "new"}}}
    assert again.vectors("d", [name(1)])[name(1)].tolist() == [0, 1, 0, 0]
    assert dense(again, (0, 1, 0, 0), 1) == [(name(1), pytest.approx(1))]
    assert sparse(again, {5: 1}) == sparse(again, {6: 1}, space="t") == []


def test_a_deleted_point_is_gone_from_everything(store):
    points = [point(n, sparse={5: n}, doc="x") for n in range(1, 6)]
    engine = changed(store, built(store, points), lambda e: e.delete([name(2), name(4), name(99)]), lambda e: e.delete([]))
    left = [1, 3, 5]
    assert engine.count() == 3
    assert found(dense(engine)) == left
    assert sorted(found(sparse(engine, {5: 1}))) == left
    assert [number(i) for i in engine.payloads([p.id for p in points])] == left
    assert sorted(map(number, engine.vectors("d", [p.id for p in points]))) == left
    assert [number(i) for i, _ in engine.scroll("chunk", ALL)] == left
    assert [number(i) for i in engine.points_of("", "x")] == left


def test_writing_the_same_points_again_changes_nothing(store):
    points = [point(n, (n, 1, 0, 0), {n: 1, 99: n}) for n in range(1, 9)]
    engine = built(store, points)
    before = dense(engine), sparse(engine, {99: 1, 3: 2})
    again = changed(store, engine, lambda e: e.write(points), lambda e: e.write(points[:3]), lambda e: e.write([]))
    assert (dense(again), sparse(again, {99: 1, 3: 2})) == before
    assert again.count() == 8


def test_the_points_of_a_document_are_its_chunks_pages_and_row_and_no_others(store):
    mine = [point(3, doc="a.md", tenant="x"), point(1, None, doc="a.md", tenant="x", kind="page"), point(2, None, doc="a.md", tenant="x", kind="row")]
    others = [point(4, doc="a.md", tenant="y"), point(5, doc="A.md", tenant="x"), point(6, doc="a", tenant="x"), point(7, doc="a.md ", tenant="x")]
    engine = built(store, mine + others, {"doc": "keyword", "tenant": "keyword"})
    assert sorted(engine.points_of("x", "a.md")) == [name(1), name(2), name(3)]
    assert engine.points_of("y", "a.md") == [name(4)]
    assert engine.points_of("z", "a.md") == engine.points_of("x", "b.md") == []


def test_no_tenant_means_the_points_of_none(store):
    engine = built(store, [point(1, doc="a.md"), point(2, doc="a.md", tenant="x")], {"tenant": "keyword"})
    assert [number(i) for i in engine.points_of("", "a.md")] == ([1, 2] if differs(store.name, "points of no tenant") else [1])


def test_the_points_of_a_document_are_all_found_when_there_are_many(store):
    engine = built(store, [point(n, None, kind="page", doc="long") for n in range(1100)])
    assert sorted(map(number, engine.points_of("", "long"))) == list(range(1100))


def test_reweighing_replaces_one_sparse_vector_and_touches_nothing_else(store):
    old = {1: {5: 1, 6: 2}, 2: {5: 3}, 3: {7: 1}, 4: {5: 1}}
    engine = built(store, [point(n, (n, 1, 0, 0), terms, "a", {n: 1}, x=str(n)) for n, terms in old.items()])
    before = engine.payloads([name(n) for n in old]), dense(engine), [sparse(engine, {n: 1}, space="t") for n in old]
    new = {name(1): weights({6: 4, 9: 1}), name(2): None, name(3): weights({5: 2})}
    engine = changed(store, engine, lambda e: e.reweigh("s", new), lambda e: e.reweigh("s", {}))
    query = {5: 1, 6: 1, 7: 1, 9: 1}
    assert dict(sparse(engine, query)) == pytest.approx(bm25({1: {6: 4, 9: 1}, 2: {}, 3: {5: 2}, 4: {5: 1}}, query), rel=1e-5)
    assert (engine.payloads([name(n) for n in old]), dense(engine), [sparse(engine, {n: 1}, space="t") for n in old]) == before
    assert engine.count() == 4


def test_reweighing_a_point_that_is_not_there_is_an_error_and_makes_none(store):
    engine = store.create()
    engine.write([point(1, sparse={5: 1})])
    for terms in (weights({6: 1}), None):
        with pytest.raises(StoreError):
            engine.reweigh("s", {name(2): terms})
    sealed = store.sealed(engine)
    assert sealed.count() == 1
    assert found(sparse(sealed, {5: 1})) == [1]


def test_weights_that_are_malformed_are_refused_before_any_is_replaced(store):
    engine = store.create()
    engine.write([point(1, sparse={5: 1}), point(2, sparse={5: 1})])
    with pytest.raises(StoreError, match="not finite and positive"):
        engine.reweigh("s", {name(1): weights({6: 1}), name(2): weights({6: math.nan})})
    assert sparse(store.sealed(engine), {6: 1}) == []


def test_of_a_point_twice_in_one_batch_the_last_counts(store):
    engine = built(store, [point(1, x="first"), point(1, (0, 1, 0, 0), x="last")])
    assert engine.count() == 1
    assert engine.payloads([name(1)])[name(1)]["meta"] == {"x": "last"}
    assert engine.vectors("d", [name(1)])[name(1)].tolist() == [0, 1, 0, 0]


BAD = {
    "id": PointRecord("1", point(1).dense, {}, {"kind": "chunk"}),
    "not finite": PointRecord(name(9), {"d": np.array([math.nan, 0, 0, 0], dtype=np.float32)}, {}, {"kind": "chunk"}),
    "non-zero": PointRecord(name(9), {"d": np.zeros(4, dtype=np.float32)}, {}, {"kind": "chunk"}),
    "of shape": PointRecord(name(9), {"d": np.ones(3, dtype=np.float32)}, {}, {"kind": "chunk"}),
    "no space": PointRecord(name(9), {**point(1).dense, "e": vector(1, 0, 0, 0)}, {}, {"kind": "chunk"}),
    "without a vector": PointRecord(name(9), {}, {}, {"kind": "chunk"}),
    "2 indices and 1 values": PointRecord(name(9), point(1).dense, {"s": Sparse((1, 2), (1.0,))}, {}),
    "ascending": PointRecord(name(9), point(1).dense, {"s": Sparse((2, 1), (1.0, 1.0))}, {}),
    "finite and positive": PointRecord(name(9), point(1).dense, {"s": Sparse((1,), (math.inf,))}, {}),
    "64 bits": PointRecord(name(9), {}, {}, {"x": 2**64}),
    "surrogate": PointRecord(name(9), {}, {}, {"x": "\ud800"}),
}


def test_the_gate_refuses_a_malformed_point_and_with_it_the_whole_batch(store):
    engine = store.create()
    engine.write([point(1)])
    for fault, bad in BAD.items():
        with pytest.raises(StoreError, match=fault):
            engine.write([point(2), bad, point(3)])
    engine.write([point(4)])
    sealed = store.sealed(engine)
    assert [number(i) for i, _ in sealed.scroll("chunk", ALL)] == [1, 4]


# Searching


def test_exact_dense_search_is_numpy_brute_force(store):
    rng = np.random.default_rng(7)
    points = [point(n, row) for n, row in enumerate(rng.standard_normal((300, 4)))]
    engine = built(store, points)
    matrix = np.stack([p.dense["d"] for p in points])
    for query in rng.standard_normal((20, 4)).astype(np.float32):
        scores = matrix @ query
        order = sorted(range(300), key=lambda i: (-scores[i], name(i)))
        for limit in (1, 25, 300):
            scored = dense(engine, query, limit)
            assert found(scored) == order[:limit]
            assert [s for _, s in scored] == pytest.approx(scores[order[:limit]].tolist(), abs=1e-5)


def test_dense_search_without_demanding_exactness_finds_the_same_in_a_small_index(store):
    rng = np.random.default_rng(11)
    points = [point(n, row) for n, row in enumerate(rng.standard_normal((200, 4)))]
    engine = built(store, points, layout=Layout({"d": 4}, (), hnsw=True))
    for query in rng.standard_normal((10, 4)).astype(np.float32):
        assert engine.nearest("d", query, 10, ALL, None, False) == [(i, pytest.approx(s, abs=1e-5)) for i, s in dense(engine, query, 10)]


def test_points_without_a_vector_are_never_found_by_it(store):
    engine = built(store, [point(1), point(2, None, kind="page"), point(3, sparse={5: 1})])
    assert found(dense(engine)) == [1, 3]
    assert found(sparse(engine, {5: 1})) == [3]


CORPUS = {1: {10: 0.5, 20: 1.5}, 2: {10: 2}, 3: {30: 1}, 4: {20: 0.25, 30: 4}, 5: {}, 6: {}}


def test_sparse_scores_are_idf_times_weight_times_query_over_points_that_have_terms(store):
    engine = built(store, [point(n, sparse=w) for n, w in CORPUS.items()])
    for query in ({10: 1, 20: 3}, {30: 0.5}, {10: 1, 20: 1, 30: 1, 99: 7}):
        scored = sparse(engine, query)
        assert dict(scored) == pytest.approx(bm25(CORPUS, query), rel=1e-5)
        assert scored == sorted(scored, key=lambda s: (-s[1], s[0]))
    assert sparse(engine, {99: 1}) == []
    assert sparse(engine, {10: 1}, space="t") == []


def test_idf_counts_no_deleted_point(store):
    engine = built(store, [point(n, sparse=w) for n, w in CORPUS.items()])
    left = {n: w for n, w in CORPUS.items() if n not in (2, 5)}
    engine = changed(store, engine, lambda e: e.delete([name(2), name(5)]))
    assert dict(sparse(engine, {10: 1, 20: 1})) == pytest.approx(bm25(left, {10: 1, 20: 1}), rel=1e-5)


def test_idf_counts_no_deleted_point_before_the_engine_has_optimised_either(store):
    engine = store.create()
    engine.write([point(n, sparse=w) for n, w in CORPUS.items()])
    engine.delete([name(2), name(5)])
    engine.write([point(3, sparse={10: 1})])
    left = {1: CORPUS[1], 3: {10: 1}, 4: CORPUS[4]}
    assert dict(sparse(engine, {10: 1, 20: 1})) == pytest.approx(bm25(left, {10: 1, 20: 1}), rel=1e-5)
    engine.close()


def test_idf_counts_no_point_that_was_deleted_from_what_was_sealed(store):
    """A sealed shard is searched without counting; what is written to it afterwards counts at once."""
    engine = built(store, [point(n, sparse=w) for n, w in CORPUS.items()])
    engine.delete([name(2), name(5)])
    left = {n: w for n, w in CORPUS.items() if n not in (2, 5)}
    assert dict(sparse(engine, {10: 1, 20: 1})) == pytest.approx(bm25(left, {10: 1, 20: 1}), rel=1e-5)


def test_idf_is_counted_within_the_tenant_and_not_narrowed_by_a_filter(store):
    own = {1: {10: 1, 21: 1}, 2: {10: 1, 22: 1}, 3: {20: 1}}
    other = {n: {10: 1} for n in range(100, 150)}
    points = [point(n, sparse=w, tenant="a", x=str(n)) for n, w in own.items()] + [point(n, sparse=w, tenant="b") for n, w in other.items()]
    engine = built(store, points, {"tenant": "keyword"})
    assert dict(sparse(engine, {10: 1}, scope=Scope("a"))) == pytest.approx({name(1): idf(3, 2), name(2): idf(3, 2)})
    assert dict(sparse(engine, {10: 1}, scope=Scope("a"), where=Condition("x", "=", ("1",)))) == pytest.approx({name(1): idf(3, 2)})
    assert dict(sparse(engine, {10: 1}))[name(1)] == pytest.approx(idf(53, 52), rel=1e-5)
    assert sparse(engine, {10: 1}, scope=Scope("c")) == []


def test_ties_are_broken_by_id_whatever_comes_back_first(store):
    """120 equal points written in a shuffled order, around one that is better and one that is worse."""
    order = np.random.default_rng(3).permutation(np.arange(1, 121))
    engine = built(store, [point(int(n), sparse={5: 1}) for n in order] + [point(900, (9, 1, 0, 0)), point(0, (0, 1, 0, 0))])
    expected = [name(n) for n in range(1, 121)]
    for limit in (1, 2, 15, 16, 17, 99, 116, 119, 120):
        assert [i for i, _ in dense(engine, limit=limit)] == expected[:limit]
        assert [i for i, _ in sparse(engine, {5: 1}, limit)] == expected[:limit]
    assert [i for i, _ in dense(engine)] == [*expected, name(900), name(0)]


def test_the_best_k_are_the_first_of_the_best_k_plus_1(store):
    shapes = [(1, 0, 0, 0), (0, 1, 0, 0), (1, 1, 0, 0)]
    engine = built(store, [point(n, shapes[n % 3], {1 + n % 2: 1, 9: 1 + n % 5}) for n in range(1, 46)])
    for query, terms in (((1, 0, 0, 0), {1: 1, 2: 1}), ((1, 1, 1, 0.5), {9: 1})):
        for search in (partial(dense, engine, query), partial(sparse, engine, terms)):
            for limit in range(1, 46):
                assert search(limit=limit) == search(limit=limit + 1)[:limit]


# Scope


def test_a_scope_holds_in_every_read_and_no_filter_widens_it(store):
    points = [point(1, sparse={5: 1}, tenant="a", x="1"), point(2, sparse={5: 1}, tenant="b", x="1"), point(3, sparse={5: 1}, x="1")]
    engine = built(store, [*points, point(4, None, tenant="b", kind="page")], {"tenant": "keyword"})
    is_1 = Condition("x", "=", ("1",))
    for where in (None, is_1, Or((is_1, Condition("tenant", "=", ("b",)))), Not(Condition("x", "=", ("2",))), Or((is_1, Not(is_1)))):
        assert found(dense(engine, scope=Scope("a"), where=where)) == [1]
        assert found(sparse(engine, {5: 1}, scope=Scope("a"), where=where)) == [1]
        assert dense(engine, scope=Scope("c"), where=where) == []
    assert [number(i) for i, _ in engine.scroll("chunk", Scope("b"))] == [2]
    assert [number(i) for i, _ in engine.scroll("page", Scope("b"))] == [4]
    assert list(engine.scroll("page", Scope("a"))) == []


def test_tenant_names_that_look_alike_are_distinct(store):
    tenants = ["A", "a", "A ", "A\u200b", "\uff21", "A/../B", "1", "true", "x" * 2000]
    engine = built(store, [point(n, tenant=t) for n, t in enumerate(tenants)], {"tenant": "keyword"})
    for n, tenant in enumerate(tenants):
        assert found(dense(engine, scope=Scope(tenant))) == [n]


# Filters: `rag.index.meta.holds` is their meaning


METAS = [
    {}, {"k": "3"}, {"k": 3}, {"k": 3.5}, {"k": True}, {"k": "true"}, {"k": False}, {"k": ("3", "x")}, {"k": ""}, {"k": ("",)}, {"k": ("", "y")},
    {"k": -1}, {"k": 0}, {"k": 2**53}, {"k": "x", "j": 1}, {"k": "X", "j": 2}, {"j": "2026-01-31"}, {"j": "2026-01-31T10:00:00Z"}, {"j": ("2020-01-01", "x")},
    {"j": "2026-02-01T00:30:00+01:00"}, {"j": "no date"}, {"j": 1769817600}, {"a.b": "v", "k": "é"}, {"two words": "v"}, {'q"q': "v"}, {"@doc": "v"},
]  # fmt: skip
ABOUT = [{"doc": f"{n % 7}.md", "modified": None if n % 3 == 0 else n * 86_400.0} for n in range(len(METAS))]
KEYS = sorted({k for m in METAS for k in m})
VALUES = ["3", "3.0", "3.5", "x", "X", "true", "false", "", "y", "0", "-1", "1e0", "nan", "v", "é", "2026-01-31", "no date", "9007199254740992"]
BOUNDS = ["3", "-1", "0.5", "1e3", "2026-01-31", "2026-01-31T10:00:00Z", "2026-01-31T23:30", "2020-01-01", "1999-12-31T23:59:59.5+14:00"]
DAYS = ["1970-01-04", "1970-01-05T00:00:00Z", "345600", "1969-12-31", "1e6"]
_key = st.sampled_from([*(f"@{k}" if k.startswith("@") else k for k in KEYS), "unknown"])
_orders = st.sampled_from(["<", "<=", ">", ">="])
_condition = st.one_of(
    st.builds(Condition, _key, st.just("="), st.tuples(st.sampled_from(VALUES))),
    st.builds(Condition, _key, st.just("in"), st.lists(st.sampled_from(VALUES), min_size=1, max_size=4).map(tuple)),
    st.builds(Condition, _key, _orders, st.tuples(st.sampled_from(BOUNDS))),
    st.builds(Condition, _key, st.just("exists")),
    st.builds(Condition, st.just("@doc"), st.just("in"), st.lists(st.sampled_from(["0.md", "3.md", "6.md", "9.md", "3"]), min_size=1, max_size=3).map(tuple)),
    st.builds(Condition, st.just("@modified"), _orders, st.tuples(st.sampled_from(DAYS))),
    st.just(Condition("@modified", "exists")),
)
_groups = [And, Or]
_filter = st.recursive(
    _condition,
    lambda f: st.one_of(st.builds(Not, f), *(st.builds(g, st.lists(f, min_size=1, max_size=3).map(tuple)) for g in _groups)),
    max_leaves=6,
)


@pytest.fixture(scope="module", params=["indexed", "plain"])
def filtered(store, request):
    points = [point(n, None if n % 5 == 4 else (1, 0, 0, 0), kind="x", **ABOUT[n], **m) for n, m in enumerate(METAS)]
    points = [PointRecord(p.id, {"d": vector(1, 0, 0, 0)}, {}, p.payload) for p in points]
    kinds = {"doc": "keyword", "modified": "float", **{path(k): "keyword" for k in KEYS}}
    return built(store, points, kinds if request.param == "indexed" else {})


def expected(where):
    return [n for n, m in enumerate(METAS) if holds(m, where, **ABOUT[n])]


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(where=_filter)
def test_a_filter_selects_what_it_means(filtered, where):
    assert found(dense(filtered, where=where)) == expected(where)


@pytest.mark.parametrize("op", ["=", "<", "<=", ">", ">=", "exists"])
def test_every_condition_on_every_key_selects_what_it_means(filtered, op):
    for key in (*KEYS[1:], "@@doc", "unknown"):
        for value in VALUES if op == "=" else BOUNDS if op != "exists" else [None]:
            where = Condition(key, op, () if value is None else (value,))
            assert found(dense(filtered, where=where)) == expected(where), where


def test_a_bound_in_nanoseconds_is_rounded_down_to_microseconds_by_a_client(store):
    engine = built(store, [point(1, at="2026-01-31T10:00:00.000001200Z"), point(2, at="2026-01-31T10:00:00.000001Z")])
    where = Condition("at", ">", ("2026-01-31T10:00:00.000001300Z",))
    if store.name in ("memory", "wire"):  # which also reads the stored text in microseconds
        assert found(dense(engine, where=where)) == []
    else:
        assert found(dense(engine, where=where)) == ([1] if differs(store.name, "nanoseconds") else [])


def test_text_is_a_date_where_the_engine_says_so(store):
    engine = built(store, [point(1, at="2026- 1-31T10:00:00Z"), point(2, at="+12026-01-31T10:00:00Z"), point(3, at="2026-01-31")])
    where = Condition("at", ">", ("2000-01-01",))
    assert found(dense(engine, where=where)) == ([3] if differs(store.name, "lenient dates") else [1, 2, 3])


def test_a_filter_that_no_engine_could_take_is_refused(store):
    engine = built(store, [point(1)])
    deep = Condition("k", "exists")
    for _ in range(100):
        deep = Not(deep)
    for where in (deep, And(()), Or(()), Not(Or(())), Condition("k", "<", ("word",))):
        with pytest.raises(FilterError):
            dense(engine, where=where)


# Reading


def test_payloads_come_back_exactly_and_unknown_ids_are_left_out(store):
    text = "NUL \0, astral \U0001f469\u200d\U0001f467, bidi \u202e, lines \r\n\u2028, quotes \"' \\"
    payload = {"kind": "row", "t": text, "n": [1, 2.5, -(2**63), 2**63 - 1], "b": True, "none": None, "deep": {"": {"x y": [[], {}]}}}
    engine = built(store, [PointRecord(name(1), {}, {}, payload), point(2)])
    assert engine.payloads([name(1), name(3)]) == {name(1): payload}
    assert set(engine.payloads([name(2), name(1), name(1)])) == {name(1), name(2)}
    assert engine.payloads([]) == {}


def test_vectors_come_back_to_the_last_bit_of_the_points_that_have_one(store):
    points = [point(n, row) for n, row in enumerate(np.random.default_rng(5).standard_normal((300, 4)))]
    engine = built(store, [*points, point(999, None, kind="page")])
    held = engine.vectors("d", [p.id for p in points] + [name(999), name(1000)])
    assert held.keys() == {p.id for p in points}
    for p in points:
        assert held[p.id].dtype == np.float32
        assert held[p.id].tolist() == p.dense["d"].tolist()
    assert engine.vectors("d", []) == {}


def test_scroll_yields_every_point_of_a_kind_once_by_id(store):
    order = np.random.default_rng(1).permutation(1100).tolist()
    engine = built(store, [point(n, None, kind="page" if n % 4 else "row") for n in order])
    assert [i for i, _ in engine.scroll("page", ALL)] == [name(n) for n in range(1100) if n % 4]
    assert [p["doc"] for _, p in engine.scroll("row", ALL)] == [f"{n}.md" for n in range(0, 1100, 4)]
    assert list(engine.scroll("chunk", ALL)) == []


def test_points_are_counted_by_kind_and_scope(store):
    points = [point(n, None, kind="page" if n % 3 else "row", tenant="ab"[n % 2]) for n in range(12)]
    engine = built(store, points, {"tenant": "keyword"})
    assert engine.count() == engine.count(None, ALL) == 12
    assert (engine.count("page"), engine.count("row"), engine.count("chunk")) == (8, 4, 0)
    assert (engine.count("page", Scope("a")), engine.count(None, Scope("b")), engine.count("row", Scope("c"))) == (4, 6, 0)


def test_the_terms_of_a_point_come_in_order(store):
    engine = built(store, [point(1, sparse={7: 1, 2**32 - 1: 2, 0: 3}, other={5: 1}), point(2)])
    assert engine.terms("s", name(1)) == [0, 7, 2**32 - 1]
    assert engine.terms("t", name(1)) == [5]
    assert engine.terms("s", name(2)) == engine.terms("s", name(3)) == []


def test_a_search_for_nothing_finds_nothing(store):
    engine = built(store, [point(n, sparse={5: 1}) for n in range(9)])
    assert dense(engine, limit=0) == sparse(engine, {5: 1}, 0) == []


def test_an_empty_collection_answers_with_nothing(store):
    engine = built(store, [])
    assert engine.count() == 0
    assert dense(engine) == sparse(engine, {5: 1}) == list(engine.scroll("chunk", ALL)) == engine.points_of("", "x") == []
    assert engine.payloads([name(1)]) == engine.vectors("d", [name(1)]) == {}


def test_a_layout_without_any_space_holds_payloads(store):
    engine = built(store, [PointRecord(name(1), {}, {}, {"kind": "page", "text": "x"})], layout=Layout({}, ()))
    assert engine.count() == 1
    assert engine.payloads([name(1)])[name(1)]["text"] == "x"


def test_payload_indexes_may_come_and_go_without_changing_an_answer(store):
    engine = built(store, [point(n, x=str(n % 3), y=n) for n in range(9)], {path("x"): "keyword", path("y"): "integer"})
    where = And((Condition("x", "=", ("1",)), Condition("y", ">", ("1",))))
    assert found(dense(engine, where=where)) == [4, 7]
    engine = changed(store, engine, lambda e: e.index_payload({path("y"): "float"}), lambda e: e.index_payload({}))
    assert found(dense(engine, where=where)) == [4, 7]


# Failing


def test_failures_are_store_errors(store):
    engine = built(store, [point(1)])
    failing = [
        lambda: engine.nearest("d", np.ones(3, dtype=np.float32), 5, ALL, None, True),
        lambda: engine.nearest("none", np.ones(4, dtype=np.float32), 5, ALL, None, True),
        lambda: engine.nearest("none", Sparse((1,), (1.0,)), 5, ALL, None, True),
        lambda: engine.vectors("none", [name(1)]),
        lambda: engine.reweigh("none", {name(1): Sparse((1,), (1.0,))}),
    ]
    for fail in failing:
        with pytest.raises(StoreError):
            fail()
    if differs(store.name, "odd ids"):
        assert engine.payloads(["no uuid"]) == {}
    else:
        with pytest.raises(StoreError):
            engine.payloads(["no uuid"])
    assert engine.count() == 1


def test_a_closed_engine_says_so(store):
    engine = built(store, [point(1)])
    engine.close()
    engine.close()
    for use in (engine.count, lambda: dense(engine), lambda: engine.payloads([name(1)]), lambda: list(engine.scroll("chunk", ALL))):
        with pytest.raises(StoreError):
            use()


# All engines against one another


def test_all_engines_give_the_same_ids_and_scores(tmp_path):
    rng = np.random.default_rng(17)
    points = []
    for n, row in enumerate(rng.standard_normal((250, 4))):
        terms = {int(t): float(w) for t, w in zip(rng.integers(0, 40, 6), rng.uniform(0.1, 2, 6), strict=True)}
        points.append(point(n, row, terms, tenant="ab"[n % 2], x=str(n % 3)))
    stores = [make(tmp_path) for make in STORES.values()]
    engines = [built(s, points, {"tenant": "keyword"}) for s in stores]
    queries = rng.standard_normal((8, 4)).astype(np.float32)
    for query, (scope, where) in itertools.product(queries, itertools.product((ALL, Scope("a")), (None, Condition("x", "=", ("1",))))):
        terms = {int(t): 1.0 for t in np.abs(query * 10) % 40}
        for answers in ([dense(e, query, 20, scope, where) for e in engines], [sparse(e, terms, 20, scope, where) for e in engines]):
            for answer in answers[1:]:
                assert [i for i, _ in answer] == [i for i, _ in answers[0]]
                assert [s for _, s in answer] == pytest.approx([s for _, s in answers[0]], abs=1e-5)
    for s in stores:
        s.clear()
