"""A filter in the engine means what the reference says, with and without payload indexes, and never widens its scope."""

from __future__ import annotations

import random
import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.dates import moment
from rag.errors import FilterError
from rag.filters import And, Condition, Not, Or, check
from rag.index.edge import EdgeEngine
from rag.index.edge_filter import compiled
from rag.index.engine import Layout, Scope
from rag.index.gate import PointRecord
from rag.index.meta import holds, path, stored

ALL = Scope()
UNIT = np.array([1, 0], dtype=np.float32)
KINDS = {str: "keyword", bool: "keyword", tuple: "keyword", int: "integer", float: "float"}


def name(n):
    return str(uuid.UUID(int=n))


def opened(folder, documents, indexed):
    """Return an engine that holds documents `(meta, modified, tenant)`; where `indexed`, with indexes on keys of one kind, as a build makes them."""
    engine = EdgeEngine.create(folder, Layout({"d": 2}, ()))
    points, kinds = [], {}
    for n, (meta, modified, tenant) in enumerate(documents):
        payload = {
            "kind": "chunk",
            "doc": f"{n}.md",
            "meta": stored(meta),
            **({"tenant": tenant} if tenant else {}),
            **({} if modified is None else {"modified": modified}),
        }
        points.append(PointRecord(name(n), {"d": UNIT}, {}, payload))
        for k, v in meta.items():
            kinds.setdefault(k, set()).add(KINDS[type(v)])
    engine.write(points)
    fields = {path(k): next(iter(v)) for k, v in kinds.items() if len(v) == 1}
    engine.index_payload({"doc": "keyword", "modified": "float", "tenant": "keyword", **fields} if indexed else {})
    engine.finish()
    return EdgeEngine.load(folder, Layout({"d": 2}, ()))


def found(engine, where, scope=ALL):
    return {int(uuid.UUID(i)) for i, _ in engine.nearest("d", UNIT, 10_000, scope, where, True)}


KEY = st.sampled_from(["k", "k", "k", "n", "n", "a.b", "50%", 'q"q', "", "ключ"])
WORDS = st.sampled_from(
    ["a", "A", "", "3", "3.0", "true", "false", "2026-01-31", "2026-01-31T10:00:00Z", " 2026-1-31 10:00", "2026-02-01T00:00:00+02:00", "2026", "x y"]
)
NUMBERS = st.integers(-4, 4) | st.sampled_from([2**53, -(2**60), 2**62, 1_769_817_600, 1_769_817_600_000_000])
FLOATS = st.sampled_from([0.5, -0.5, 2.5, -2.5, 3.0, 1e-300, 1e300, -1e300])
VALUE = WORDS | NUMBERS | FLOATS | st.booleans() | st.lists(WORDS, max_size=3).map(tuple)
META = st.dictionaries(KEY, VALUE, max_size=4)
DOCUMENT = st.tuples(META, st.none() | st.sampled_from([0.0, -5.5, 1_769_817_600.0, 1_769_817_600.25]), st.sampled_from(["t", "u"]))
# Keys of one type each, so that every kind of index is met.
TYPED = st.fixed_dictionaries({}, optional={"k": WORDS | st.lists(WORDS, max_size=3).map(tuple), "n": NUMBERS, "a.b": FLOATS, "50%": st.booleans()})
TYPED_DOCUMENT = st.tuples(TYPED, st.none() | st.just(1_769_817_600.0), st.sampled_from(["t", "u"]))
ORDER = st.sampled_from(["<", "<=", ">", ">="])
NUMBER_BOUND = st.sampled_from(["-2.5", "-1", "0", "0.5", "2", "2.4999999999", "2.5", "3", "1e15", "9007199254740991"])
BOUND = NUMBER_BOUND | st.sampled_from(["2026-01-31", "2026-01-31T10:00:00Z", "2026-01-31T23:00:00+01:00", "0001-01-01", "9999-12-31", "1970-01-01"])
TEXT = WORDS | NUMBER_BOUND
CONDITION = (
    st.builds(lambda k, v: Condition(k, "=", (v,)), KEY, TEXT)
    | st.builds(lambda k, v: Condition(k, "in", tuple(v)), KEY, st.lists(TEXT, min_size=1, max_size=3))
    | st.builds(lambda k, o, b: Condition(k, o, (b,)), KEY | st.just("@modified"), ORDER, BOUND)
    | st.builds(lambda k: Condition(k, "exists"), KEY | st.just("@modified"))
    | st.builds(lambda v: Condition("@doc", "in", tuple(v)), st.lists(st.sampled_from(["0.md", "1.md", "7.md"]), min_size=1, max_size=2))
)


def groups(inner):
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return several.map(And) | several.map(Or) | inner.map(Not)


FILTER = st.recursive(CONDITION, groups, max_leaves=5)


@settings(max_examples=30, deadline=None)  # every example makes a shard, which costs more than asking it
@given(
    st.lists(DOCUMENT, min_size=1, max_size=14) | st.lists(TYPED_DOCUMENT, min_size=1, max_size=14),
    st.lists(CONDITION | FILTER, min_size=24, max_size=40),
    st.booleans(),
)
def test_the_engine_finds_what_the_reference_says_within_the_scope_alone(tmp_path_factory, documents, filters, indexed):
    engine = opened(tmp_path_factory.mktemp("filter") / "shard", documents, indexed)
    own = {n for n, (_, _, tenant) in enumerate(documents) if tenant == "t"}
    for where in filters:
        expected = {n for n, (meta, modified, _) in enumerate(documents) if holds(meta, where, f"{n}.md", modified)}
        assert found(engine, where) == expected, where
        assert found(engine, where, Scope("t")) == expected & own, where
    assert found(engine, None, Scope("nobody")) == set()
    engine.close()


VALUES = [
    "", "a", "3", "true", "2026-01-31", " 2026-1-31 10:00", 3, -1, 0, 2**62, 1_769_817_600_000_000, 0.5, 3.0, -2.5, True, False,
    (), ("",), ("", ""), ("", "a"), ("x", "3"), ("x", "2026-02-01"),
]  # fmt: skip


@pytest.mark.parametrize("kind", [str, int, float, bool, tuple, object])
@pytest.mark.parametrize("indexed", [True, False])
def test_every_operator_on_every_kind_of_value_with_and_without_an_index(tmp_path, kind, indexed):
    metas = [{}, *({"k": v} for v in VALUES if type(v) is kind or kind is object)]
    engine = opened(tmp_path / "shard", [(m, None, "") for m in metas], indexed)
    asked = [
        Condition("k", "exists"),
        *(Condition("k", op, (b,)) for op in ("<", "<=", ">", ">=") for b in ("-2.5", "0", "0.5", "3", "2026-01-31", "2026-02-01T10:00:00Z")),
    ]
    asked += [Condition("k", "=", (t,)) for t in ("", "a", "3", "3.0", "0", "0.5", "true", "True", "1", "2026-01-31")]
    for where in asked:
        expected = {n for n, m in enumerate(metas) if holds(m, where)}
        assert found(engine, where) == expected, where
        assert found(engine, Not(where)) == set(range(len(metas))) - expected, where
    engine.close()


def mutated(rng, text):
    """Return a date with up to two characters put in, dropped or exchanged."""
    for _ in range(rng.choice([0, 1, 1, 2])):
        at, what = rng.randrange(len(text) + 1), rng.random()
        text = text[:at] + (rng.choice("0123456789-+:.TtzZUC  \u3000\x1c\u2212\u0663") if what < 0.7 else "") + text[at + (what > 0.35) :]
    return text


def test_text_near_a_date_is_one_exactly_where_the_engine_takes_it_for_one(tmp_path):
    rng = random.Random(5)  # the same cases each time
    forms = [
        "2026-01-31",
        "2026-01-31T10:00:00Z",
        "2026-01-31 10:00:00",
        "2026-01-31T10:00",
        "2026-01-31 10:00:00.25",
        "2026-01-31T10:00:00+02:00",
        "2024-02-29T23:59:60Z",
        "2026-01-31T10:00:00-09",
    ]
    texts = sorted({mutated(rng, rng.choice(forms)) for _ in range(8000)})
    engine = opened(tmp_path / "shard", [({"k": t}, None, "") for t in texts], indexed=True)
    dates = {n for n, t in enumerate(texts) if moment(t) is not None}
    assert 300 < len(dates) < len(texts) - 300
    for at in ("0001-01-01", "2026-01-31T10:00:00Z", "2026-01-31T10:00:00.25Z", "2024-03-01"):
        for op in ("<", "<=", ">", ">="):
            where = Condition("k", op, (at,))
            assert found(engine, where) == {n for n in dates if holds({"k": texts[n]}, where)}, where
    engine.close()


def test_the_scope_is_the_first_condition_whatever_the_filter():
    for where in (None, Condition("k", "exists"), Or((Condition("k", "exists"), Not(Condition("tenant", "=", ("t",)))))):
        native = compiled(Scope("t"), where)
        assert native.must[0].key == "tenant"
        assert native.must[0].match.value == "t"
        assert not native.should
        assert len(native.must) == 1 + (where is not None)
    assert compiled(ALL, None) is None


def test_a_filter_that_would_end_the_process_is_refused():
    """From about 1000 levels on the engine overflows its stack."""
    deep = Condition("k", "exists")
    for _ in range(2000):
        deep = Not(deep)
    with pytest.raises(FilterError, match="nested more than 64 deep"):
        compiled(ALL, deep)
    for empty in (And(()), Or(())):  # to the engine these would be no condition, so everything
        with pytest.raises(FilterError, match="at least one"):
            compiled(ALL, empty)


def test_the_largest_filter_that_is_allowed_is_answered(tmp_path):
    engine = opened(tmp_path / "shard", [({"k": str(n), "n": n}, None, "") for n in range(50)], indexed=False)
    widest = check(Condition("k", "in", tuple(str(n) for n in range(1000))))
    most = check(Or(tuple(Condition("n", "=", (str(n),)) for n in range(64))))
    assert found(engine, widest) == found(engine, most) == set(range(50))
    engine.close()
