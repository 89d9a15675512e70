"""Tenant isolation over every registered retriever and refiner, every method of a reader, questions and the command line."""

from __future__ import annotations

import inspect
import json
import logging
from dataclasses import MISSING, dataclass, field, replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import FilterError, StoreError
from rag.filters import And, Condition, Filter, Not, Or
from rag.index.audit import AuditLog
from rag.index.meta import holds
from rag.index.reader import Reader
from rag.index.store import Index
from rag.stages import Retriever
from rag.types import Document

from . import tenants
from .tenants import ALPHA, BETA, CANARIES, CHUNK, READS, TEAM, UNKNOWN, Foreign, Probe, betrayed, everything, guessed, refiners, retrievers, secrets, view

MORE = [Document(f"more/{n}.md", f"shared common apple zebra1 zebra2 {c} extra", {"team": "beta", "colour": "red", "fresh": c}) for n, c in enumerate(CANARIES)]
LATER = [replace(d, text=d.text.replace("banana", "apple zebra1"), meta={**d.meta, "colour": "red"}) for d in BETA[:-2]]
GAMMA = [replace(d, id=f"gamma/{d.id}", meta={**d.meta, "team": "gamma"}) for d in BETA]
BESIDE = {"alone": [], "beta": BETA, "more": [*BETA, *MORE], "changed": LATER, "gamma": [*BETA, *GAMMA]}


def pipe(lab, retrieve=None, refine=()):
    return lab.pipeline(retrieve or everything(), CHUNK, refine=list(refine), pack={"use": "budget", "tokens": 400}, **TEAM)


def rows():
    """Return every retriever on its own, and every refiner behind a hybrid and behind all the others."""
    found = [(r, []) for r in retrievers()]
    return [*found, *((tenants.everything(), [r]) for r in refiners()), ({"use": "rrf", "of": ["bm25", "dense"]}, refiners())]


def name_of(row):
    return json.dumps(row).replace('"use": ', "").replace('"', "")[:90]


@pytest.fixture(scope="module")
def paths(lab):
    """Return where the documents of alpha are indexed: alone, and beside those of others; one of them by growing."""
    found = {}
    for name, others in BESIDE.items():
        found[name] = lab.folder()
        lab.build(found[name], pipe(lab), [*ALPHA, *others])
    found["grown"] = lab.folder()
    for others in ([*BETA, *MORE], GAMMA, LATER):
        lab.build(found["grown"], pipe(lab), [*ALPHA, *others]) if others is not GAMMA else build_all(lab, found["grown"], [*ALPHA, *GAMMA])
    return found


def build_all(lab, path, documents):
    from rag.index.build import build

    build(path, pipe(lab), lab.loaded(documents), [lab.root], lab.runtime, allow_mass_delete=True)


@pytest.fixture(scope="module")
def opened(lab, paths):
    found = {name: Index.open(path, lab.runtime) for name, path in paths.items()}
    yield found
    for index in found.values():
        index.close()


@pytest.fixture(scope="module")
def alone(lab, opened):
    """Return what alpha sees by a pipeline where nobody else is."""
    return cache(lambda row: view(opened["alone"], pipe(lab, *json.loads(row))))


@pytest.mark.parametrize("row", rows(), ids=name_of)
@pytest.mark.parametrize("beside", ["beta", "more", "changed", "gamma", "grown"])
def test_a_tenant_sees_what_it_would_see_alone(lab, opened, alone, row, beside):
    """T1 and Q4: no canary, id, score, count, error, suggestion or trace of others, whatever is added, changed or deleted there."""
    assert view(opened[beside], pipe(lab, *row)) == alone(json.dumps(row))


@pytest.mark.parametrize("row", rows(), ids=name_of)
def test_nothing_of_another_tenant_is_returned_logged_or_audited(lab, paths, tmp_path, caplog, capfd, row):
    log = tmp_path / "audit"
    with caplog.at_level(logging.DEBUG), Index.open(paths["beta"], lab.runtime, audit=AuditLog(log)) as index:
        hidden = secrets(index)
        log.write_text("")  # what was read to know the secrets
        seen = view(index, pipe(lab, *row))
        assert any(value and value[0] for name, value in seen if name.startswith("search")), "the probe finds nothing, so it could not leak"
        assert betrayed([seen, caplog.text, capfd.readouterr(), log.read_text()], hidden) == set()
        assert all(json.loads(line)["tenant"] == "alpha" for line in log.read_text().splitlines())


def test_the_canaries_are_there_to_be_found(lab, opened):
    seen = view(opened["beta"], pipe(lab), "beta")
    assert betrayed(seen, secrets(opened["beta"])) >= {*CANARIES[2:], BETA[1].id}


def test_every_method_of_a_reader_is_probed():
    public = {n for n, m in inspect.getmembers(Reader, callable) if not n.startswith("_")}
    assert public == set(READS), "a method of Reader is not probed for tenant isolation (or gone): change READS of tests/rag/tenants.py"


def test_what_a_reader_shows_beside_its_methods_is_known(lab, opened):
    shown = {n for n in vars(opened["beta"].reader(pipe(lab), tenant="alpha")) if not n.startswith("_")}
    assert shown == {"runtime", "scope", "exact", "compared"}, "a stage can read this attribute: see that it tells nothing of other tenants, then add it here"


def test_guessed_ids_are_answered_like_unknown_ones(lab, opened):
    """T5: chunk, page, vector, text and document of beta, asked for in the scope of alpha."""
    index = opened["beta"]
    probe = Probe(index, pipe(lab), "alpha")
    real = probe.guesses(guessed(index))
    assert real == probe.guesses(UNKNOWN)
    assert betrayed(real, secrets(index)) == set()
    for name in ("chunks", "hits", "text", "document"):
        assert "Error: no " in json.dumps(dict(real)[name])
    chunk = next(opened["beta"].reader(pipe(lab), tenant="alpha").all_chunks())
    assert "alpha/" in json.dumps(probe.guesses(Foreign(chunk.id, UNKNOWN.page, UNKNOWN.span))), "the probe can see what is there"


def test_a_part_without_a_way_to_be_made_says_what_to_add():
    @dataclass(frozen=True)
    class Future(Retriever):
        of: tuple[Retriever, ...]
        prompt: str = field(default=MISSING)  # type: ignore[assignment]  # a field without a default

        def rank(self, query, reader):
            raise NotImplementedError

    with pytest.raises(AssertionError, match=r"retrieve stage 'future' needs a 'prompt': give it a value in NEEDS of tests/rag/tenants.py"):
        tenants._part("retrieve", "future", Future, ["bm25"])


KEYS = st.sampled_from(["colour", "team", "n", "gnufield", "tenant", "doc", "kind", 'meta"."team', "a]b", "@@doc", "none", ""])
TEXTS = st.sampled_from(["red", "alpha", "beta", "yaka", "yakb", "2", "", "chunk", "page", "none"])
LEAVES = st.one_of(
    st.builds(Condition, KEYS, st.just("="), st.tuples(TEXTS)),
    st.builds(Condition, KEYS, st.just("in"), st.lists(TEXTS, min_size=1, max_size=3).map(tuple)),
    st.builds(Condition, KEYS, st.just("exists")),
    st.builds(Condition, KEYS, st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from([("2",), ("2021-01-01",), ("-1e9",)])),
    st.builds(Condition, st.just("@doc"), st.just("in"), st.just(("yaka/0.md", "alpha/1.md"))),
    st.builds(Condition, st.just("@modified"), st.sampled_from(["<", ">="]), st.just(("1650000000",))),
)
FILTERS = st.recursive(
    LEAVES, lambda f: st.one_of(st.builds(Not, f), *(st.builds(kind, st.lists(f, min_size=1, max_size=3).map(tuple)) for kind in (And, Or))), max_leaves=6
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(where=FILTERS, use=st.sampled_from(["bm25", "dense", "rank_bm25"]))
def test_a_filter_only_ever_narrows_the_scope(lab, opened, where: Filter, use):
    """T2: exactly the documents of alpha that meet it, never one of beta, however it is negated or worded."""
    hits, _ = pipe(lab, {"use": use, "limit": 500}).search(opened["beta"], "shared common", where=where, tenant="alpha")
    assert {h.chunk.span.doc_id for h in hits} == {d.id for d in ALPHA if holds(d.meta, where, d.id, d.modified)}


@pytest.mark.parametrize("tenant", [None, "", " ", "\t\n", "\u3000", 1, True, ["alpha"], b"alpha", "al\0pha", "alpha\ud800"])
def test_a_scope_that_names_no_tenant_is_an_error(lab, opened, tenant):
    """T3: never everything, and never nothing in silence."""
    pipeline, index = pipe(lab), opened["beta"]
    for call in (
        lambda: index.reader(pipeline, tenant=tenant),
        lambda: pipeline.search(index, "x", tenant=tenant),
        lambda: pipeline.ask(index, "x", tenant=tenant),
    ):
        with pytest.raises(StoreError, match=r"name one with --tenant|name another"):
            call()


@pytest.mark.parametrize("tenant", ["alpha", "", " "])
def test_a_scope_on_an_index_without_tenants_is_an_error(lab, tenant):
    with lab.index({"a.md": "x"}) as index:
        for call in (index.pipeline.search, index.pipeline.ask):
            with pytest.raises(StoreError, match="has no tenants; leave the tenant out"):
                call(index, "x", tenant=tenant)


NAMES = [
    "A",
    "a",
    "A ",
    " A",
    "A\u200b",
    "\uff21",
    "A/../B",
    "B",
    "1",
    "true",
    "None",
    "*",
    "a*",
    "L" * 5000,
    "L" * 5001,
    "\u202eA",
    "\u05d0",
    "A\u0301",
    "\u00c1",
    "A,B",
    '"A"',
    "A\n",
]


def test_names_that_look_alike_are_tenants_of_their_own(lab):
    """T4, in documents and in questions."""
    documents = [Document(f"{n}.md", f"shared own{n}", {"team": name}) for n, name in enumerate(NAMES)]
    refused = [
        Document("nul.md", "shared", {"team": "A\0"}),
        *(Document(f"no{n}.md", "shared", {"team": t}) for n, t in enumerate(["", " ", "\u3000", 1, True, None, ("A",)]) if t is not None),
    ]
    with lab.index([*documents, *refused], pipeline := lab.pipeline("bm25", **TEAM)) as index:
        assert set(index.manifest.tenants) == set(NAMES)
        for n, name in enumerate(NAMES):
            assert [h.chunk.span.doc_id for h in pipeline.search(index, "shared", tenant=name)[0]] == [f"{n}.md"], repr(name)
        for name in ("b", "AA", "L" * 4999, "L" * 100_000, "[A]", "A\u200c", "false"):
            assert pipeline.search(index, "shared", tenant=name)[0] == ()


def test_a_tenant_too_long_for_the_index_is_a_failed_document(lab):
    report = lab.build(lab.folder(), lab.pipeline("bm25", **TEAM), [*ALPHA[:1], Document("x.md", "text", {"team": "L" * 300_000})])
    assert (report.added, [f.doc_id for f in report.failed]) == (1, ["x.md"])
    assert "is over" in report.failed[0].reason
    assert len(report.failed[0].reason) < 300


def test_an_id_that_two_tenants_use_belongs_to_the_first_and_is_not_overwritten(lab):
    """T9: ids are unique in an index; the reason names neither the other tenant nor anything of its document."""
    path, pipeline = lab.folder(), lab.pipeline("bm25", **TEAM)
    mine, theirs = Document("same.md", "shared apple", {"team": "alpha"}), Document("same.md", "shared yakc", {"team": "beta"})
    report = lab.build(path, pipeline, [mine, theirs])
    assert [(f.doc_id, f.reason) for f in report.failed] == [("same.md", "duplicate id")]
    other = lab.root.parent / "elsewhere"
    report = lab.build(path, pipeline, lab.loaded([theirs], other), roots=(other,))
    assert (report.added, report.updated, report.deleted) == (0, 0, 0)
    assert [f.doc_id for f in report.failed] == ["same.md"]
    assert report.failed[0].reason.startswith(f"the index has a document of this id from {lab.root}; rename one")
    with Index.open(path, lab.runtime) as index:
        assert [h.chunk.text for h in pipeline.search(index, "shared", tenant="alpha")[0]] == ["shared apple"]
        assert pipeline.search(index, "shared", tenant="beta")[0] == ()


def test_a_filter_of_another_kind_than_a_filter_is_refused_before_the_index(lab, opened):
    with pytest.raises(FilterError):
        pipe(lab).search(opened["beta"], "x", where=Or(()), tenant="alpha")
