"""The table of documents: rows read as they were written, sums equal to counting again, and nothing left of what was removed."""

from __future__ import annotations

import random
import shutil
import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import StoreError
from rag.index.rows import DocumentRow, Facts
from rag.index.table import NAME, DocumentTable

IDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
PATHS = st.text(st.characters(codec=None), max_size=4).map(lambda t: f"/{t}")  # lone surrogates: names that are not UTF-8
SCALARS = st.text(max_size=3) | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.builds(
    DocumentRow, id=IDS, digest=st.sampled_from("xyz"), root=PATHS, chunks=st.integers(0, 9), length=st.integers(0, 30_000), title=IDS, body=st.integers(0, 9),
    source=PATHS, modified=st.none() | st.floats(0, 1e9), indexed=st.none() | st.floats(0, 1e9), tenant=st.sampled_from(["", "t", "ü"]), gaps=st.integers(0, 5),
    text_digest=st.sampled_from("pq"), sketch=st.just("s"), derived=st.sampled_from(["", "v"]), duplicate_of=st.sampled_from(["", "other"]), similarity=st.none() | st.floats(0, 1),
    meta=st.dictionaries(st.text(max_size=3), SCALARS | st.lists(st.text(max_size=2), max_size=2).map(tuple), max_size=2),
)  # fmt: skip
NAMES = st.sampled_from(["english", "none"])
FACTS = st.builds(
    Facts,
    terms=st.dictionaries(NAMES, st.tuples(st.integers(0, 9), st.integers(0, 99))),
    fields=st.dictionaries(st.sampled_from("abc"), st.sampled_from(["keyword", "integer", "mixed"])),
    over_limit=st.dictionaries(st.just("m (256 tokens)"), st.integers(1, 9)),
)
SMALL = st.sampled_from(["a", "b", "c", "", "ключ/%22 [x]'.md"])


@pytest.fixture
def table(tmp_path):
    with DocumentTable(tmp_path / NAME, writable=True) as opened:
        yield opened


def row(doc_id, **more):
    return DocumentRow(**{"digest": "d", "root": "/c", "chunks": 1, "length": 5, **more, "id": doc_id})


@settings(max_examples=60)
@given(st.lists(ROWS, max_size=5, unique_by=lambda r: r.id))
def test_rows_are_read_as_they_were_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("t") / NAME
    with DocumentTable(path, writable=True) as table:
        for r in rows:
            table.put(r, Facts())
        table.commit()
    with DocumentTable(path) as table:
        ordered = sorted(rows, key=lambda r: r.id)
        assert {r.id: table[r.id] for r in rows} == {r.id: r for r in rows}
        assert (list(table), list(table.rows()), len(table)) == ([r.id for r in ordered], ordered, len(rows))
        assert [table.state(r.id) for r in rows] == [(r.digest, r.root, r.source) for r in rows]
        assert list(table.places()) == [(r.id, r.root, r.source) for r in ordered]
        assert sorted(table.roots()) == sorted({r.root for r in rows})
    shutil.rmtree(path.parent)


STEPS = st.lists(st.tuples(st.sampled_from(["put", "put", "remove", "note"]), SMALL, ROWS, FACTS), max_size=12)


@settings(max_examples=60)
@given(STEPS)
def test_sums_after_any_sequence_are_those_of_the_rows_that_are_left(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("t") / NAME
    model: dict[str, tuple[DocumentRow, Facts]] = {}
    with DocumentTable(path, writable=True) as table:
        for do, doc_id, drawn, facts in steps:
            r = replace(drawn, id=doc_id)
            if do == "put":
                table.put(r, facts)
                model[doc_id] = r, facts
            elif do == "remove":
                table.remove([doc_id])
                model.pop(doc_id, None)
            elif doc_id in model:
                old = model[doc_id]
                noted = replace(old[0], duplicate_of="new", similarity=0.5, source="/elsewhere")
                table.note(noted)
                model[doc_id] = noted, old[1]
        check_sums(table, model)
        table.commit()
        check_sums(table, model)
    with DocumentTable(path) as table:
        check_sums(table, model)
    shutil.rmtree(path.parent)


def check_sums(table, model):
    rows, facts = [r for r, _ in model.values()], [f for _, f in model.values()]
    assert dict(table) == {r.id: r for r in rows}
    assert table.counts() == (sum(r.chunks for r in rows), sum(r.gaps for r in rows))
    assert table.pages(8192) == sum(-(-r.length // 8192) for r in rows)
    assert table.tenants() == {t: sum(r.chunks for r in rows if r.tenant == t) for t in {r.tenant for r in rows}}
    terms: dict[tuple[str, str], tuple[int, int]] = {}
    for r, f in model.values():
        for language, (n, s) in f.terms.items():
            before = terms.get((language, r.tenant), (0, 0))
            terms[language, r.tenant] = before[0] + n, before[1] + s
    assert table.terms() == terms
    kinds: dict[str, set[str]] = {}
    for f in facts:
        for name, kind in f.fields.items():
            kinds.setdefault(name, set()).add(kind)
    assert table.fields() == {n: next(iter(k)) for n, k in kinds.items() if len(k) == 1 and k != {"mixed"}}
    assert table.field_names(None) == set(kinds)
    assert table.field_names("t") == {n for r, f in model.values() if r.tenant == "t" for n in f.fields}
    over = sum(f.over_limit.get("m (256 tokens)", 0) for f in facts)
    assert table.over_limit() == ({"m (256 tokens)": over} if over else {})
    assert table.duplicates() == sorted((r.id, r.duplicate_of, r.similarity) for r in rows if r.duplicate_of)
    assert [c[0] for c in table.candidates()] == sorted(model)


def test_a_document_that_is_not_there_is_no_row_whatever_its_name(table):
    """Half a surrogate pair must not be taken for the question mark that stands for it elsewhere."""
    table.put(row("?"), Facts())
    assert table["?"].id == "?"
    for name in ("none", "\ud800", "?\0", ""):
        assert name not in table
        assert table.state(name) is None
    assert table.get("\ud800") is None


def test_what_a_row_held_is_not_remembered_when_it_is_replaced_noted_or_removed(table):
    for change in (
        lambda: table.put(row("a", title="two"), Facts()),
        lambda: table.note(row("a", title="three")),
        lambda: table.remove(["a"]),
    ):
        table.put(row("a", title="one"), Facts())
        assert table["a"].title == "one"
        change()
        assert table.get("a") is None or table["a"].title != "one"


@pytest.mark.parametrize("seed", [24, 28, 3, 4])
def test_of_what_was_removed_or_replaced_nothing_is_left_in_the_file(tmp_path, seed):
    """Seeds 24 and 28 left cells behind under `PRAGMA secure_delete`, in pages that had been divided."""
    rng, path = random.Random(seed), tmp_path / NAME
    held, dead = {}, []

    def put(table, i):
        held[i] = f"CANARY{seed}x{i}x{rng.randrange(10**9)}Z"
        table.put(row(f"{i:03d}.md", title=held[i] * rng.randrange(1, 60), meta={"k": "y" * rng.randrange(900)}), Facts({"english": (1, 5)}, {"k": "keyword"}))

    with DocumentTable(path, writable=True) as table:
        for i in range(300):
            put(table, i)
        table.commit()
    with DocumentTable(path, writable=True) as table:
        for _ in range(400):
            i = rng.randrange(300)
            if i in held:
                dead.append(held.pop(i))
            if rng.random() < 0.5:
                table.remove([f"{i:03d}.md"])
            else:
                put(table, i)
        table.commit()
    data = path.read_bytes()
    assert [c for c in dead if c.encode() in data] == []
    assert all(c.encode() in data for c in held.values())
    assert [p.name for p in tmp_path.iterdir()] == [NAME]


def test_a_commit_that_nothing_was_removed_before_does_not_write_the_file_anew(tmp_path):
    with DocumentTable(tmp_path / NAME, writable=True) as table:
        table.put(row("a"), Facts())
        before = (tmp_path / NAME).stat().st_ino
        table.commit()
        assert (tmp_path / NAME).stat().st_ino == before
        table.put(row("b"), Facts())  # and writing goes on
        table.remove(["a"])
        table.commit()
        table.put(row("c"), Facts())
        table.commit()
    with DocumentTable(tmp_path / NAME) as table:
        assert list(table) == ["b", "c"]


def test_nothing_is_written_by_reading(tmp_path):
    with DocumentTable(tmp_path / NAME, writable=True) as table:
        table.put(row("a"), Facts())
        table.commit()
    before = (tmp_path / NAME).read_bytes()
    with DocumentTable(tmp_path / NAME) as table:
        with pytest.raises(StoreError, match="attempt to write a readonly database"):
            table.put(row("b"), Facts())
        assert list(table) == ["a"]
    assert (tmp_path / NAME).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize("name", ["odd ?#%20.sqlite", "caf\udce9.sqlite"])
def test_a_table_may_lie_anywhere(tmp_path, name):
    with DocumentTable(tmp_path / name, writable=True) as table:
        table.put(row("a"), Facts())
        table.put(row("a", title="again"), Facts())
        table.commit()
    with DocumentTable(tmp_path / name) as table:
        assert table["a"].title == "again"


@pytest.mark.parametrize("data", [None, b"", b"SQLite format 3\0", b"no table at all" * 99])
def test_a_missing_or_damaged_table_is_one_clear_error(tmp_path, data):
    if data is not None:
        (tmp_path / NAME).write_bytes(data)
    with pytest.raises(StoreError, match=r"documents\.sqlite: the table of documents is missing or damaged .*; build it again") as error:
        DocumentTable(tmp_path / NAME)
    assert "\n" not in str(error.value)


def test_threads_may_share_a_table(table):
    for n in range(200):
        table.put(row(f"{n}"), Facts())
    wrong = []

    def read(start):
        for n in range(start, start + 200):
            if table[str(n % 200)].id != str(n % 200):
                wrong.append(n)

    threads = [threading.Thread(target=read, args=(n * 50,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


@settings(max_examples=40)
@given(st.lists(ROWS, max_size=5, unique_by=lambda r: r.id), st.lists(SMALL | st.just("\ud800"), max_size=4))
def test_rows_read_together_are_those_read_one_by_one(tmp_path_factory, rows, others):
    """Ids that are not there, half surrogate pairs among them, are passed over and cost the others nothing."""
    path = tmp_path_factory.mktemp("t") / NAME
    with DocumentTable(path, writable=True) as table:
        for r in rows:
            table.put(r, Facts())
        table.commit()
    asked = [*others, *(r.id for r in rows)]
    with DocumentTable(path) as together, DocumentTable(path) as single:
        together.prefetch(asked)
        path.write_bytes(b"")  # what was read together is not read again
        assert {i: together[i] for i in asked if i in {r.id for r in rows}} == {r.id: r for r in rows}
        single.prefetch([])


def test_more_rows_than_one_statement_takes_are_read_together(table):
    """A statement takes 500 ids; the 1,201 asked for are three of them."""
    for n in range(1_200):
        table.put(row(f"{n:04d}", title=f"t{n}"), Facts())
    table.prefetch([*(f"{n:04d}" for n in range(1_200)), "not there"])
    assert [table._kept[f"{n:04d}"].title for n in range(1_200)] == [f"t{n}" for n in range(1_200)]
    assert "not there" not in table
