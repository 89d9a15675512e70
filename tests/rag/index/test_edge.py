"""The engine behind its adapter: exact, deterministic at ties, idf within scope, and one clear line for every failure."""

from __future__ import annotations

import math
import uuid

import numpy as np
import pytest
import qdrant_edge as native
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import StoreError
from rag.filters import And, Condition
from rag.index.edge import EdgeEngine, _native
from rag.index.engine import Layout, Scope
from rag.index.gate import PointRecord, Sparse
from rag.index.meta import stored

LAYOUT = Layout({"d": 4}, ("s",))
ALL = Scope()


def name(n):
    return str(uuid.UUID(int=n))


def point(n, dense=(1, 0, 0, 0), sparse=None, tenant=None, **meta):
    vector = np.array(dense, dtype=np.float32)
    weights = {"s": Sparse(tuple(sparse), tuple(map(float, sparse.values())))} if sparse else {}
    payload = {"kind": "chunk", "doc": f"{n}.md", "meta": stored(meta), **({"tenant": tenant} if tenant else {})}
    return PointRecord(name(n), {"d": vector / np.linalg.norm(vector)}, weights, payload)


def opened(folder, points, layout=LAYOUT, keys=None):
    engine = EdgeEngine.create(folder, layout)
    engine.write(points)
    engine.index_payload(keys or {"doc": "keyword"})
    engine.finish()
    return EdgeEngine.load(folder, layout)


@pytest.fixture
def folder(lab):
    path = lab.folder()
    path.mkdir()
    return path / "shard"


def dense(engine, vector, limit, scope=ALL, where=None):
    return engine.nearest("d", np.array(vector, dtype=np.float32), limit, scope, where, True)


def sparse(engine, query, limit=100, scope=ALL, where=None):
    return engine.nearest("s", Sparse(tuple(query), tuple(map(float, query.values()))), limit, scope, where, True)


def test_one_bad_point_stops_the_whole_batch_before_the_engine_sees_any_of_it(folder):
    engine = EdgeEngine.create(folder, LAYOUT)
    engine.write([point(1)])
    bad = PointRecord(name(2), {"d": np.array([math.nan, 0, 0, 0], dtype=np.float32)}, {}, {"kind": "chunk"})
    with pytest.raises(StoreError, match="not finite"):
        engine.write([point(3), bad, point(4)])
    assert engine.count() == 1
    with pytest.raises(StoreError, match="2 indices and 1 values"):  # would brick the shard for ever
        engine.write([PointRecord(name(5), point(5).dense, {"s": Sparse((1, 2), (1.0,))}, {"kind": "chunk"})])
    engine.write([point(6)])
    assert engine.count() == 2
    engine.finish()


def test_exact_dense_search_is_numpy_brute_force(folder):
    rng = np.random.default_rng(7)
    rows = rng.standard_normal((300, 4)).astype(np.float32)
    points = [point(n, row) for n, row in enumerate(rows)]
    engine = opened(folder, points)
    matrix = np.stack([p.dense["d"] for p in points])
    for query in rng.standard_normal((20, 4)).astype(np.float32):
        query /= np.linalg.norm(query)
        scores = matrix @ query
        order = sorted(range(300), key=lambda i: (-scores[i], name(i)))[:25]
        found = dense(engine, query, 25)
        assert [s for _, s in found] == pytest.approx([float(scores[i]) for i in order], abs=1e-5)
        assert [i for i, _ in found] == [name(i) for i in order]


def test_ties_are_broken_by_id_whatever_the_engine_returns_first(folder):
    """500 equal points written in a shuffled order, around one that is better and one that is worse."""
    order = np.random.default_rng(3).permutation(np.arange(1, 501))
    engine = opened(folder, [point(int(n), sparse={5: 1}) for n in order] + [point(900, (9, 1, 0, 0)), point(0, (0, 1, 0, 0))])
    expected = [name(n) for n in range(1, 501)]
    for limit in (1, 2, 15, 16, 17, 99, 100, 400, 499, 500):
        assert [i for i, _ in dense(engine, (1, 0, 0, 0), limit)] == expected[:limit]
        assert [i for i, _ in sparse(engine, {5: 1}, limit)] == expected[:limit]
    assert [i for i, _ in dense(engine, (1, 0, 0, 0), 10_000)] == [*expected, name(900), name(0)]
    engine.close()


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_top_k_is_a_prefix_of_top_k_plus_1(many_ties, data):
    engine, count = many_ties
    limit = data.draw(st.integers(1, count))
    vector = data.draw(st.sampled_from([(1, 0, 0, 0), (1, 1, 0, 0), (1, 1, 1, 0.5)]))
    for a, b in (
        (dense(engine, vector, limit), dense(engine, vector, limit + 1)),
        (sparse(engine, {1: 1, 2: 1}, limit), sparse(engine, {1: 1, 2: 1}, limit + 1)),
    ):
        assert b[: len(a)] == a
        assert len(a) <= limit
        assert a == sorted(a, key=lambda s: (-s[1], s[0]))
        assert len({i for i, _ in a}) == len(a)


@pytest.fixture(scope="module")
def many_ties(lab):
    path = lab.folder()
    path.mkdir()
    shapes = [(1, 0, 0, 0), (0, 1, 0, 0), (1, 1, 0, 0)]
    engine = opened(path / "shard", [point(n, shapes[n % 3], {1 + n % 2: 1, 9: n}) for n in range(1, 91)])
    yield engine, 90
    engine.close()


def plain_idf(total, having):
    return math.log(1 + (total - having + 0.5) / (having + 0.5))


def test_sparse_scores_are_idf_times_weight_times_query_with_n_and_n_t_counted_over_points_that_have_terms(folder):
    weights = {1: {10: 0.5, 20: 1.5}, 2: {10: 2.0}, 3: {30: 1.0}, 4: {20: 0.25, 30: 4.0}}
    engine = opened(folder, [*(point(n, sparse=w) for n, w in weights.items()), point(5), point(6)])
    query = {10: 1, 20: 3}
    expected = {}
    for n, w in weights.items():
        score = sum(q * w[t] * plain_idf(4, sum(t in v for v in weights.values())) for t, q in query.items() if t in w)
        if score:
            expected[name(n)] = score
    found = sparse(engine, query)
    assert dict(found) == pytest.approx(expected, rel=1e-6)
    assert found == sorted(found, key=lambda s: (-s[1], s[0]))
    engine.close()


def test_idf_is_counted_within_the_tenant_and_no_row_of_another_is_found(folder):
    own = [point(n, sparse={10: 1.0, 20 + n: 1.0}, tenant="a") for n in (1, 2)] + [point(3, sparse={20: 1.0}, tenant="a")]
    other = [point(n, sparse={10: 1.0}, tenant="b") for n in range(100, 150)]
    engine = opened(folder, own + other, keys={"doc": "keyword", "tenant": "keyword"})
    assert dict(sparse(engine, {10: 1}, scope=Scope("a"))) == pytest.approx({name(1): plain_idf(3, 2), name(2): plain_idf(3, 2)})
    assert {i for i, _ in dense(engine, (1, 0, 0, 0), 1000, scope=Scope("a"))} == {p.id for p in own}
    assert sparse(engine, {10: 1}, scope=Scope("c")) == []
    assert {i for i, _ in engine.scroll("chunk", Scope("a"))} == {p.id for p in own}
    assert list(engine.scroll("page", Scope("a"))) == []
    engine.close()


def test_tenant_names_that_look_alike_are_distinct(folder):
    tenants = ["A", "a", "A ", "A\u200b", "\uff21", "A/../B", "1", "true", "x" * 2000]
    engine = opened(folder, [point(n, tenant=t) for n, t in enumerate(tenants)], keys={"tenant": "keyword"})
    for n, tenant in enumerate(tenants):
        assert [i for i, _ in dense(engine, (1, 0, 0, 0), 99, scope=Scope(tenant))] == [name(n)]


KEYS = ["plain", "two words", "a.b", "a[0]", 'q"q', "back\\slash", "", "ключ", "50%", "[]", "x\ny"]


@pytest.mark.parametrize("indexed", [True, False])
def test_a_condition_finds_its_value_under_any_key_with_and_without_a_payload_index(folder, indexed):
    from rag.index.meta import path

    engine = opened(folder, [point(n, **{k: "v"}) for n, k in enumerate(KEYS)], keys={path(k): "keyword" for k in KEYS} if indexed else None)
    for n, key in enumerate(KEYS):
        assert [i for i, _ in dense(engine, (1, 0, 0, 0), 99, where=Condition(key, "=", ("v",)))] == [name(n)]
        assert dense(engine, (1, 0, 0, 0), 99, where=Condition(key, "=", ("w",))) == []
    engine.close()


def test_conditions_on_every_type_of_value(folder):
    engine = opened(folder, [point(1, k="3"), point(2, k=3), point(3, k=3.0), point(4, k=True), point(5, k=("3", "x")), point(6, k="true"), point(7)])

    def having(value):
        return [int(uuid.UUID(i)) for i, _ in dense(engine, (1, 0, 0, 0), 99, where=Condition("k", "=", (value,)))]

    assert having("3") == [1, 2, 3, 5]
    assert having("3.0") == [2, 3]
    assert having("x") == [5]
    assert having("true") == [4, 6]
    assert having("1") == []  # the engine alone would match true
    assert having("nan") == having("inf") == having("") == []


def test_conditions_are_joined_by_and_with_each_other_and_with_the_scope(folder):
    engine = opened(folder, [point(1, tenant="a", x="1", y="1"), point(2, tenant="a", x="1"), point(3, tenant="b", x="1", y="1")])
    both = And((Condition("x", "=", ("1",)), Condition("y", "=", ("1",))))
    assert [i for i, _ in dense(engine, (1, 0, 0, 0), 9, Scope("a"), both)] == [name(1)]
    assert [i for i, _ in dense(engine, (1, 0, 0, 0), 9, Scope("a"), Condition("tenant", "=", ("b",)))] == []


def test_a_native_panic_is_one_line_with_the_repair():
    with pytest.raises(StoreError) as error, _native("testing"):
        raise BaseException("first line\nsecond line")  # noqa: TRY002  # the panic of the native code is one
    assert str(error.value).startswith("the index engine failed while testing (first line); run `rag check`, or build it again")
    with pytest.raises(KeyboardInterrupt), _native("testing"):
        raise KeyboardInterrupt


def test_a_real_panic_of_the_engine_is_caught(folder, capfd):
    engine = EdgeEngine.create(folder, LAYOUT)
    broken = native.Point(name(1), {"s": native.SparseVector([1, 2, 3], [1.0])}, {})  # past the gate on purpose
    with pytest.raises(StoreError, match="failed while writing"), _native("writing"):
        engine._shard.update(native.UpdateOperation.upsert_points([broken]))
    capfd.readouterr()


def test_native_failures_are_store_errors(folder, tmp_path):
    engine = opened(folder, [point(1)])
    with pytest.raises(StoreError, match="failed while searching"):
        engine.nearest("d", np.ones(3, dtype=np.float32), 5, ALL, None, True)
    with pytest.raises(StoreError, match="failed while searching"):
        engine.nearest("none", np.ones(4, dtype=np.float32), 5, ALL, None, True)
    with pytest.raises(StoreError, match="failed while reading"):
        engine.payloads(["no uuid"])
    engine.close()
    with pytest.raises(StoreError, match="failed while counting"):
        engine.count()
    with pytest.raises(StoreError, match="no shard is there"):
        EdgeEngine.load(tmp_path, LAYOUT)
    (tmp_path / "edge_config.json").write_text("{")
    with pytest.raises(StoreError, match="failed while opening"):
        EdgeEngine.load(tmp_path, LAYOUT)
    with pytest.raises(StoreError, match="failed while creating"):
        EdgeEngine.create(folder, LAYOUT)


def test_payloads_come_back_exactly_and_unknown_ids_are_left_out(folder):
    text = "NUL \0, astral \U0001f469\u200d\U0001f467, bidi \u202e, lines \r\n\u2028"
    engine = opened(folder, [point(1, t=text)])
    assert engine.payloads([name(1), name(2)]) == {name(1): {"kind": "chunk", "doc": "1.md", "meta": {"t": text}}}
    assert engine.payloads([]) == {}


def test_a_layout_without_any_space_holds_payloads(folder):
    engine = opened(folder, [PointRecord(name(1), {}, {}, {"kind": "page", "text": "x"})], Layout({}, ()))
    assert engine.count() == 1


def test_scroll_yields_every_point_of_a_kind_once_by_id(folder):
    engine = opened(folder, [point(n) for n in np.random.default_rng(1).permutation(2500).tolist()])
    assert [i for i, _ in engine.scroll("chunk", ALL)] == [name(n) for n in range(2500)]
