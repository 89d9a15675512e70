"""However an index came to be, it equals one built at once from the same documents: ids, texts, content key, and every leg's scores."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import string
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from rag.errors import StoreError
from rag.index import faults
from rag.index.check import check
from rag.index.child import release
from rag.index.store import Index
from rag.types import Document

A, B = ROOTS = (Path("/corpus/a"), Path("/corpus/b"))
SCOPES = {"whole": ROOTS, "a": (A,), "b": (B,), "nested": (A / "x",), "file": (A / "x" / "p.md",)}
TEAMS = ("red", "blue")
WORDS = ["cat", "dog", "bird", "retrieval", "ranking", "the", "日本", "👍", "fish"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
QUERIES = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
NAMES = st.sampled_from(["p.md", "q.md", "x/p.md", "x/q.md", "xy.md"])
CHUNK = {"use": "fixed", "size": 5, "overlap": 2}
LEGS = ["bm25", "dense", "rank_bm25", {"use": "rank_bm25", "idf": "lucene"}, {"use": "weighted", "of": ["bm25", "dense"]}]
BEFORE = ["scan.document", "stage.table", "spool.write", "seal.rename", "pointer.temporary"]
AFTER = ["pointer.replace", "collect.old"]  # the swap is done: what fails here has been built
WRITER = [p for p in faults.POINTS if p.startswith("child.")]
CRASHES = st.sampled_from([(p, "raise") for p in BEFORE + AFTER] + [(p, k) for p in WRITER for k in ("kill", "enospc")])


def whole(lab, tenants):
    """Return the pipelines of all legs, and the one an index for them all is built with."""
    options = {"index": {"tenant_key": "team"}} if tenants else {}
    return [lab.pipeline(leg, CHUNK, **options) for leg in LEGS], lab.pipeline({"use": "rrf", "of": LEGS}, CHUNK, **options)


def answers(index, pipelines, queries, tenants):
    """Return the scores that every leg gives every chunk, for each query and tenant."""
    who = TEAMS if tenants else (None,)
    return {
        (query, tenant, leg): {h.chunk.id: h.score for h in pipeline.search(index, query, tenant=tenant)[0]}
        for query in queries for tenant in who for leg, pipeline in enumerate(pipelines)
    }  # fmt: skip


def state_of(index, pipelines, tenants):
    chunks = [c for t in (TEAMS if tenants else (None,)) for c in index.reader(pipelines[0], tenant=t).all_chunks()]
    rows = {i: replace(r, indexed=None) for i, r in index.documents.items()}
    return index.manifest.content, index.manifest.points, index.manifest.tenants, index.manifest.fields, chunks, rows


def assert_equal(lab, path, documents, queries, tenants):
    """Hold an index to equal one that is built at once from documents, given as pairs with their roots."""
    pipelines, pipeline = whole(lab, tenants)
    at_once = lab.folder()
    lab.build(at_once, pipeline, [i for d, r in documents for i in lab.loaded([d], r)], roots=ROOTS)
    with Index.open(path, lab.runtime) as grown, Index.open(at_once, lab.runtime) as fresh:
        assert state_of(grown, pipelines, tenants) == state_of(fresh, pipelines, tenants)
        one, two = (answers(i, pipelines, queries, tenants) for i in (grown, fresh))
        assert one == {k: pytest.approx(v, abs=1e-6) for k, v in two.items()}
        assert check(grown)["faults"] == []
    shutil.rmtree(at_once)


def canary(*of):
    """Return a word that is in no other text and, all its letters being different, is stored in one piece though texts are compressed."""
    return "".join(random.Random(repr(of)).sample(string.ascii_letters + string.digits, 28))


def held_in(folder, words):
    """Return those of the words that occur in a file below a folder, but for the letters at their ends: these compress together with what is around them."""
    data = [p.read_bytes() for p in folder.rglob("*") if p.is_file()]
    return {w for w in words if any(w[4:-4].encode() in d for d in data)}


class Growth(RuleBasedStateMachine):
    """Edits below two roots, runs over all of them or a part, cut off or not, against a fresh build of what the index should hold."""

    lab = None
    tenants = False

    def __init__(self):
        super().__init__()
        self.pipelines, self.pipeline = whole(self.lab, self.tenants)
        self.path = self.lab.folder()
        self.files = {}  # what is on disk: by path, a document
        self.indexed = {}  # what the index should hold
        self.queries = ["cat bird", "日本 👍"]
        self.numbers, self.canaries = itertools.count(), []
        self.open, self.said, self.checked = None, None, ""

    @initialize(names=st.sets(NAMES, min_size=2), text=TEXTS)
    def start(self, names, text):
        for n, name in enumerate(sorted(names)):
            self.put(ROOTS[n % 2], name, f"{text} {WORDS[n]}", TEAMS[n % 2], "")
        self.index("whole")

    @rule(root=st.sampled_from(ROOTS), name=NAMES, text=TEXTS, team=st.sampled_from(TEAMS), title=st.sampled_from(["", "fish title"]))
    def put(self, root, name, text, team, title):
        word = canary(next(self.numbers))
        meta = {"n": len(text), **({"team": team} if self.tenants else {}), **({"only": "here"} if title else {})}
        self.files[root / name] = Document(f"{root.name}/{name}", f"{text} {word}", meta, f"{title} {word}" if title else "", source=str(root / name))
        self.canaries.append(word)

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def remove(self, data):
        del self.files[data.draw(st.sampled_from(sorted(self.files)))]

    @precondition(lambda self: self.files)
    @rule(data=st.data(), name=NAMES)
    def rename(self, data, name):
        old = data.draw(st.sampled_from(sorted(self.files)))
        root = next(r for r in ROOTS if old.is_relative_to(r))
        self.files[root / name] = replace(self.files.pop(old), id=f"{root.name}/{name}", source=str(root / name))

    @rule(scope=st.sampled_from(sorted(SCOPES)))
    def index(self, scope):
        named, covered = self._named(scope)
        new = {p: d for p, d in self.files.items() if covered(p)}
        old = {p: d for p, d in self.indexed.items() if covered(p)}
        writes, live = self.lab.runtime.work.writes, self._live()
        report = self._run(named, new)
        updated = {p for p in old.keys() & new.keys() if old[p] != new[p]}
        assert (report.added, report.deleted) == (len(new.keys() - old.keys()), len(old.keys() - new.keys()))
        assert (report.updated, report.unchanged) == (len(updated), len(old.keys() & new.keys()) - len(updated))
        if old == new and live:
            assert (self.lab.runtime.work.writes, self._live()) == (writes, live)
        self.indexed = {**{p: d for p, d in self.indexed.items() if not covered(p)}, **new}

    @rule(scope=st.sampled_from(sorted(SCOPES)), crash=CRASHES)
    def crash(self, scope, crash):
        """A run that fails somewhere: the index is as it was, or, after the swap, as it should be."""
        point, kind = crash
        named, covered = self._named(scope)
        new = {p: d for p, d in self.files.items() if covered(p)}
        live = self._live()
        release()  # a writer that is kept has not seen the variable
        faults._reached.pop(point, None)
        os.environ[faults.VARIABLE] = f"{point}:1:{kind}"
        try:
            self._run(named, new)
            failed = False
        except (StoreError, RuntimeError):
            failed = True
        finally:
            del os.environ[faults.VARIABLE]
            release()
        if failed and point not in AFTER:
            assert self._live() == live
        else:
            self.indexed = {**{p: d for p, d in self.indexed.items() if not covered(p)}, **new}

    def _named(self, scope):
        """Return the paths a run names, and which paths it is about: a part of a root that the index has not seen is the root."""
        named = tuple(p if p in ROOTS or any(i.is_relative_to(A) for i in self.indexed) else A for p in SCOPES[scope])
        return named, lambda path: any(path.is_relative_to(n) for n in named)

    def _run(self, named, documents):
        items = [i for p, d in documents.items() for i in self.lab.loaded([d], next(r for r in ROOTS if p.is_relative_to(r)))]
        return self.lab.build(self.path, self.pipeline, items, roots=named)

    def _live(self):
        return self.lab.live(self.path) if (self.path / "CURRENT").is_file() else ""

    @rule(query=QUERIES)
    def ask(self, query):
        self.queries = [query, self.queries[0]]
        self.checked = ""

    @rule()
    def reopen(self):
        """Whoever has an index open goes on seeing the state it was opened in."""
        self.teardown_open()
        self.open = Index.open(self.path, self.lab.runtime)
        self.said = answers(self.open, self.pipelines[:2], ["cat"], self.tenants)

    @invariant()
    def an_open_index_says_what_it_said(self):
        if self.open is not None:
            assert answers(self.open, self.pipelines[:2], ["cat"], self.tenants) == self.said

    @invariant()
    def it_equals_a_fresh_build(self):
        if self._live() == self.checked:
            return
        documents = [(d, next(r for r in ROOTS if p.is_relative_to(r))) for p, d in sorted(self.indexed.items())]
        assert_equal(self.lab, self.path, documents, self.queries, self.tenants)
        self.checked = self._live()

    @invariant()
    def of_what_is_gone_no_byte_is_left(self):
        kept = {c for c in self.canaries for d in self.indexed.values() if c in d.text}
        if self._live():
            assert held_in(self.path / self._live(), self.canaries) == kept

    def teardown_open(self):
        if self.open is not None:
            self.open.close()
        self.open = None

    def teardown(self):
        self.teardown_open()
        shutil.rmtree(self.path, ignore_errors=True)


@pytest.mark.parametrize("tenants", [False, True])
def test_any_sequence_of_edits_runs_and_crashes_equals_a_fresh_build(lab, tenants):
    machine = type("Growth" + uuid.uuid4().hex[:4], (Growth,), {"lab": lab, "tenants": tenants})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    examples = 60 if os.environ.get("RAG_TEST_FULL") else 2
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=10, deadline=None, suppress_health_check=checks))


@pytest.mark.parametrize("tenants", [False, True])
def test_after_a_third_is_deleted_and_some_edited_it_equals_a_fresh_build_and_no_byte_of_them_is_left(lab, tenants):
    _, pipeline = whole(lab, tenants)
    path = lab.folder()

    def document(n, edited=""):
        team = {"team": TEAMS[n % 2]} if tenants else {}
        words = [canary(n, edited, where) for where in ("text", "meta", "title")]
        return Document(f"{n:02d}.md", f"{WORDS[n % 9]} {WORDS[n % 7]} {words[0]} " + f"{WORDS[n % 5]} " * n, {**team, "c": words[1]}, words[2]), words

    before = [document(n) for n in range(60)]
    lab.build(path, pipeline, [d for d, _ in before], roots=ROOTS)
    assert held_in(path / lab.live(path) / "shard", [w for _, words in before for w in words[:2]]) == {w for _, words in before for w in words[:2]}
    assert held_in(path, [words[2] for _, words in before]) == {words[2] for _, words in before}
    after = [document(n, "e" if n % 7 == 0 else "") for n in range(60) if n % 3]
    lab.build(path, pipeline, [d for d, _ in after], roots=ROOTS)
    assert_equal(lab, path, [(d, A) for d, _ in after], ["cat dog", "fish", "日本"], tenants)
    assert held_in(path, [w for _, words in [*before, *after] for w in words]) == {w for _, words in after for w in words}


def test_crossing_a_step_of_the_average_length_rewrites_the_weights_of_unchanged_documents(lab):
    """One long document moves the average from 2 to 2^(47/16) terms: the score of an untouched chunk has to follow."""
    pipeline, path = lab.pipeline("bm25"), lab.folder()
    short = {f"{n}.md": f"cat word{n}" for n in range(4)}
    lab.build(path, pipeline, short)
    with Index.open(path, lab.runtime) as index:
        before = index.reader(pipeline).average_length(pipeline.retrieve.space)
        assert before == 2.0
    grown = {**short, "long.md": " ".join(f"filler{n}" for n in range(30))}
    lab.build(path, pipeline, grown)
    with Index.open(path, lab.runtime) as index, lab.index(grown, pipeline) as fresh:
        assert index.reader(pipeline).average_length(pipeline.retrieve.space) == 2 ** (47 / 16)  # mean 38/5 = 7.6, log2 * 16 = 46.8
        a, b = (p.search(i, "cat")[0] for p, i in ((pipeline, index), (pipeline, fresh)))
        assert [(h.chunk.id, h.score) for h in a] == [(h.chunk.id, h.score) for h in b]


def test_the_order_of_roots_and_of_documents_within_them_does_not_show(lab):
    """The content key names searches in the memo: two ways to the same documents must not have two names."""
    pipeline, grown, fresh = lab.pipeline(), lab.folder(), lab.folder()
    first, second = {"b.md": "beta cat", "z.md": "zeta dog"}, {"a.md": "alpha bird", "m.md": "my fish"}
    lab.build(grown, pipeline, first, roots=ROOTS[1:])
    lab.build(grown, pipeline, dict(reversed(second.items())), roots=ROOTS[:1])
    lab.build(fresh, pipeline, [*lab.loaded(second, ROOTS[0]), *lab.loaded(first, ROOTS[1])], roots=ROOTS)
    with Index.open(grown, lab.runtime) as one, Index.open(fresh, lab.runtime) as two:
        apart = {"files": {}, "seal": ""}  # SQLite pages and segments are laid out by history, and rows say when they were indexed
        assert replace(one.manifest, **apart) == replace(two.manifest, **apart)
        assert [replace(r, indexed=None) for r in one.documents.values()] == [replace(r, indexed=None) for r in two.documents.values()]
